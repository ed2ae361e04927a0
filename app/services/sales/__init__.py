"""Money in and out with a member: top-ups, payments, refunds."""
