"""Queries: SELECT in, frozen dataclasses out; each reads in its caller's scope."""
