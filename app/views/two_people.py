"""What two people decide: whoever asked may take it back, another one says yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g
from flask_babel import gettext

from app.core.errors import N_
from app.views.desks import Action, action, those_allowed
from app.views.forms import OnceForm, Prose


class Approval(OnceForm):
    """Approving asks for nothing more than a yes, and so does taking back."""


class Refusal(OnceForm):
    """Why it is refused."""

    note = Prose(N_("Reason for refusing"), longest=200)


def request_buttons(request: Any, desk: str) -> Sequence[Action]:
    """What the reader may do about a request that is open; ``desk`` names the pages for it."""
    if not _is_open(request):
        return ()
    if _is_own(request):
        return those_allowed(action(gettext("Take back"), f"{desk}.withdraw", pk=request.id))
    return those_allowed(
        action(gettext("Approve"), f"{desk}.approve", tone="main", pk=request.id),
        action(gettext("Refuse"), f"{desk}.refuse", tone="danger", pk=request.id),
    )


def request_notices(request: Any) -> Sequence[str]:
    """Why whoever asked finds no button to approve."""
    if _is_open(request) and _is_own(request):
        return [gettext("You have asked for this. Somebody else has to decide.")]
    return []


def _is_open(request: Any) -> bool:
    return bool(request.status.name == "requested")


def _is_own(request: Any) -> bool:
    return bool(request.created_by_id == g.actor.staff_id)
