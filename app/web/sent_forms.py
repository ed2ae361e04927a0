"""What a browser's form brings, before anything reads it."""

from __future__ import annotations

from flask import Flask, Request
from werkzeug.datastructures import MultiDict


class SentRequest(Request):
    """A request whose form holds no NUL: nobody types one, and no text of PostgreSQL's keeps it.

    JSON is another matter: there a field with a NUL is refused by name.
    """

    def _load_form_data(self) -> None:
        super()._load_form_data()
        form = self.__dict__["form"]
        if any("\0" in name or "\0" in value for name, value in form.items(multi=True)):
            kept: MultiDict[str, str] = MultiDict(
                (name.replace("\0", ""), value.replace("\0", ""))
                for name, value in form.items(multi=True)
            )
            self.__dict__["form"] = self.parameter_storage_class(kept)


def register_forms(app: Flask) -> None:
    app.request_class = SentRequest
