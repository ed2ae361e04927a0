"""The table of commands, and the program without its faces that carries them."""

from __future__ import annotations

from importlib import import_module

import click
from flask import Flask
from flask.cli import AppGroup

from app.core.logs import configure_logs
from app.flows.starting import build_context
from app.web.context import keep_context
from app.web.language import register_language
from config import Settings

# Each is imported when it is asked for: one that answers in a second is used, and most of them
# need little of the program.
_PLACES = {
    "audit": "app.cli.checks:audit_group",
    "db": "app.cli.database:db_group",
    "demo": "app.cli.demo:demo_group",
    "export": "app.cli.exports:export",
    "reconcile": "app.cli.reconciliations:reconcile",
    "rollups": "app.cli.rollups:rollups_group",
    "search": "app.cli.contents:search_group",
    "settle": "app.cli.settlement:settle_group",
    "traffic": "app.cli.contents:traffic_group",
    "verify": "app.cli.checks:verify",
    "vouchers": "app.cli.vouchers:vouchers_group",
    "worker": "app.cli.worker:worker",
}


class _Commands(AppGroup):
    """The commands of ours, by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_PLACES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _PLACES:
            return None
        module, _, name = _PLACES[cmd_name].partition(":")
        found: click.Command = getattr(import_module(module), name)
        return found


def create_commands(settings: Settings) -> Flask:
    """The program without its faces: what ``bin/kaquan`` loads.

    Raises:
        SettingsError: With one line for the operator.
    """
    configure_logs()
    app = Flask("app")  # Templates lie in app/, as for the whole program.
    app.config["SECRET_KEY"] = settings.secret_key
    register_language(app)
    keep_context(app, build_context(settings))
    register_commands(app)
    return app


def register_commands(app: Flask) -> None:
    app.cli = _Commands("kaquan")
