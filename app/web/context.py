"""The process's context, from wherever a request is."""

from __future__ import annotations

from flask import Flask, current_app

from app.flows.context import Context

_NAME = "kaquan"


def keep_context(app: Flask, context: Context) -> None:
    app.extensions[_NAME] = context


def current_context() -> Context:
    context: Context = current_app.extensions[_NAME]
    return context
