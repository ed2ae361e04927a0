"""The program as outsiders meet it, beside the database."""

from tests.views.conftest import app, browser, signed_in

__all__ = ["app", "browser", "signed_in"]
