"""The far end: a separate program that speaks WeChat's own HTTP, with keys and state of its own.

It imports nothing of the product, so that both sides read the specification independently.
"""
