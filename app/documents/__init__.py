"""Documents: spreadsheets, paper and pictures, made from plain values."""
