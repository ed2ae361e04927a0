"""FACE: public pages, and the landing pages of printed codes. A GET never redeems anything."""

from __future__ import annotations

from flask import Flask

from app.site import search
from app.site.h5 import bp as members_app
from app.site.pages import bp


def register_site(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(search.bp)
    app.register_blueprint(members_app)


__all__ = ["register_site"]
