"""Why something was done: people's words as they are, the program's own in any language."""

from __future__ import annotations

from flask_babel import gettext

from app.core.errors import N_

# What services write when nobody gave a reason.
OURS = frozenset(
    {
        N_("paid after closing"),
        N_("top-up not credited"),
        N_("vouchers not sold"),
        N_("card returned"),
        N_("reported by the member"),
        N_("in the list of places"),
        N_("at the planned time"),
    }
)


def reason_text(reason: str) -> str:
    """The reason as its reader understands it."""
    return gettext(reason) if reason in OURS else reason
