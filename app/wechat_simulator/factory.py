"""Put one simulator together."""

from __future__ import annotations

from flask import Flask

from app.wechat_simulator import (
    login_api,
    merchant_api,
    oa_messages,
    official_account,
    template_messages,
    user_api,
)
from app.wechat_simulator.keys import ensure_keys
from app.wechat_simulator.notifier import Notifier
from app.wechat_simulator.settings import SimulatorSettings
from app.wechat_simulator.store import Store
from app.wechat_simulator.world import World

_LARGEST_REQUEST = 1 << 20


def create_simulator(settings: SimulatorSettings) -> Flask:
    """One process only: the notifier's thread and what it has in flight are this process's."""
    keys = ensure_keys(settings.directory)
    store = Store(settings.directory / "state.sqlite3")
    notifier = Notifier(store, settings, keys.wechatpay)
    app = Flask("wechat_simulator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_REQUEST
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask's default provider.
    app.extensions["wechat_world"] = World(
        settings=settings, keys=keys, store=store, notifier=notifier
    )
    for blueprint in (
        login_api.bp,
        oa_messages.bp,
        official_account.bp,
        template_messages.bp,
        merchant_api.bp,
        user_api.bp,
    ):
        app.register_blueprint(blueprint)
    notifier.start()
    return app
