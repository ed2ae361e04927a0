"""The counter: shifts, terminals, approvals, and what is sold there."""
