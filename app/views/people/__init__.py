"""Signing in, and the desks of staff and members."""
