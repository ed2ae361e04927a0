"""Settling with merchants, and reconciling with WeChat."""
