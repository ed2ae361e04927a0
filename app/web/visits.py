"""What faces tell the counter: never more than a note in memory."""

from __future__ import annotations

from flask import Flask, current_app, request

from app.core.clock import utc_now
from app.core.visits import MOST_SECONDS, Visit, kept_path
from app.flows.publishing.counting import Counter
from app.web.context import current_context
from app.web.limits import client_address

_NAME = "kaquan_counter"


def keep_counter(app: Flask, counter: Counter) -> None:
    app.extensions[_NAME] = counter


def counter() -> Counter:
    found: Counter = current_app.extensions[_NAME]
    return found


def may_count() -> bool:
    """Whoever asks not to be tracked is not, although nothing here could follow them."""
    return request.headers.get("DNT") != "1" and request.headers.get("Sec-GPC") != "1"


def note_visit(
    *,
    kind: str,
    face: str,
    path: str,
    referrer: str = "",
    campaign: str = "",
    keyword: str = "",
    seconds: int = 0,
) -> bool:
    """Note one visit of whoever sends this request; False for what is no page of ours."""
    kept = kept_path(path)
    if kept is None:
        return False
    counter().note(
        Visit(
            at=utc_now(),
            kind=kind,
            face=face,
            path=kept,
            address=client_address(),
            agent=request.headers.get("User-Agent", "")[:400],
            referrer=referrer[:500],
            campaign=campaign[:60],
            keyword=keyword[:40],
            seconds=min(seconds, MOST_SECONDS),
        )
    )
    return True


def _only_looks_ahead() -> bool:
    """A program that asks before a person does: whether it is there, or in case it is wanted."""
    purpose = request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    return request.method == "HEAD" or "prefetch" in purpose


def note_scan(code: str | None, *, path: str) -> None:
    """Somebody has scanned a printed code: its batch is found later, the code itself not kept."""
    if code is None or not may_count() or _only_looks_ahead():
        return
    digests = tuple(current_context().keys.digests_of_typed(code))
    counter().note(
        Visit(
            at=utc_now(),
            kind="scan",
            face="site",
            path=kept_path(path) or "/",
            address=client_address(),
            agent=request.headers.get("User-Agent", "")[:400],
            code_digests=digests,
        )
    )
