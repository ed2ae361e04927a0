"""The staff API's blueprint; the modules beside this one hang their views on it."""

from __future__ import annotations

from app.web.wire import JsonBlueprint

bp = JsonBlueprint("pos_api", __name__, url_prefix="/pos/api", description="The till")
