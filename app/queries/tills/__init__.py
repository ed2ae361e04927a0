"""The counter: its drawer, its records, its feed."""
