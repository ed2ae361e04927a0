"""Closing periods with merchants, and comparing WeChat's bills."""
