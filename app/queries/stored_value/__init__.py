"""Card programs, cards and their statements."""
