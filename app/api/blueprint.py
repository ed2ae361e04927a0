"""The member API's blueprint; the modules beside this one hang their views on it."""

from __future__ import annotations

from app.web.wire import JsonBlueprint

bp = JsonBlueprint("api", __name__, url_prefix="/api/v1", description="The members' mini-program")
