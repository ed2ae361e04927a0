"""A member's own records."""
