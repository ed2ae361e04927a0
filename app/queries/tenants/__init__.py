"""Stores: as members look for them, and as the public site shows them."""
