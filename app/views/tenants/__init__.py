"""The desks of merchants, stores, their hours and the QR codes on their counters."""
