"""Statements, and the ledger as an accountant's books want it."""
