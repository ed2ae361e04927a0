"""The program as outsiders meet it."""

from tests.views.conftest import app

__all__ = ["app"]
