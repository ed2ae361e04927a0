"""The tenants: merchants, their stores and the QR codes on their counters."""
