"""The parts of one simulator, as its routes find them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from app.wechat_simulator.keys import SimulatorKeys
from app.wechat_simulator.notifier import Notifier
from app.wechat_simulator.settings import SimulatorSettings
from app.wechat_simulator.store import Store


@dataclass(frozen=True, kw_only=True)
class World:
    settings: SimulatorSettings
    keys: SimulatorKeys
    store: Store
    notifier: Notifier

    def close(self) -> None:
        self.notifier.stop()
        self.store.close()


def world() -> World:
    found = current_app.extensions["wechat_world"]
    assert isinstance(found, World), "create_simulator puts it there"
    return found
