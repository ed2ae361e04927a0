"""Value on cards: programs, cards, gifts, corrections, returns and what runs out."""
