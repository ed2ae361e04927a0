"""FACE: public pages, and the landing pages of printed codes. A GET never redeems anything."""

from __future__ import annotations

from flask import Flask

from app.site import search
from app.site.pages import bp


def register_site(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(search.bp)


__all__ = ["register_site"]
