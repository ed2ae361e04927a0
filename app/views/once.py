"""What a desk's form asks for is done once, however often the form is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.flows import once
from app.flows.once import Body
from app.views.forms import OnceForm
from app.web.context import current_context


def write_once(form: OnceForm, effect: Callable[[Session], Body]) -> dict[str, Any]:
    """Make the effect in one transaction, unless this form has made it; then what came of it.

    The record it is about was loaded in the reader's own scope before, so it is theirs to change.
    """
    answer = once.run_once(current_context(), form.call(g.actor), effect)
    done: dict[str, Any] = json.loads(answer.text)
    return done
