"""Core: money, codes, clock, errors, actors. Knows neither the web nor the database."""
