"""Redirects that never lead anywhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request


def safe_path(target: str | None) -> str | None:
    """The path and query of an address on this host; None for anything else.

    Backslashes and control characters are refused: browsers read ``/\\evil.example`` as a host.
    """
    if not target or "\\" in target or any(ord(letter) < 33 for letter in target):
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme not in {"", "http", "https"} or parts.netloc not in {"", request.host}:
        return None
    if parts.scheme and not parts.netloc:
        return None
    path = parts.path
    if not path.startswith("/") or path.startswith("//"):
        return None
    return f"{path}?{parts.query}" if parts.query else path


def came_from() -> str:
    """The page that the reader is on, to go back to; the home page when nobody says."""
    return safe_path(request.referrer) or "/"
