"""The desks of card programs and cards: corrections, returns, statements."""
