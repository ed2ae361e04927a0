"""What is logged, and how a line of it looks. The same in every process."""

from __future__ import annotations

import logging
import os

_CHATTY = ("werkzeug", "procrastinate", "alembic", "flask_appbuilder")


def configure_logs() -> None:
    """Events to standard error, from ``LOG_LEVEL`` on."""
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It has no search form for a time of day. We do not use its search forms.
    logging.getLogger("flask_appbuilder.models.filters").setLevel(logging.ERROR)
