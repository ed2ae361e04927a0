"""Notices to members in WeChat, and what the official account's callback does."""
