"""FACE: public pages, and the landing pages of printed codes. A GET never redeems anything."""

from __future__ import annotations

from flask import Flask

from app.site import (
    avatars,
    contents,
    for_engines,
    h5,
    media,
    pages,
    previews,
    search,
    stores,
)


def register_site(app: Flask) -> None:
    for module in (pages, contents, previews, stores, search, media, avatars, for_engines, h5):
        app.register_blueprint(module.bp)


__all__ = ["register_site"]
