"""Maker and checker: what one person asks for, a second one decides about."""

from __future__ import annotations

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError


class SecondPersonRequired(DomainError):
    code = "second_person_required"
    category = Category.FORBIDDEN
    template = N_("Whoever made this may not approve it. Please ask a second person.")


class NotTheAsker(DomainError):
    code = "not_the_asker"
    category = Category.FORBIDDEN
    template = N_("Only whoever asked for this takes it back. Others refuse it, with a reason.")


class ReasonRequired(DomainError):
    code = "reason_required"
    category = Category.INVALID
    template = N_("Please write down the reason.")


def require_another(checker: Actor, *, than: int | None) -> None:
    """The checker is somebody, and not the member of staff who asked (``than``).

    Raises:
        SecondPersonRequired
    """
    if checker.staff_id in {None, than}:
        raise SecondPersonRequired


def require_asker(maker: Actor, *, asked_by: int | None) -> None:
    """Only one's own request is taken back.

    Raises:
        NotTheAsker
    """
    if maker.staff_id != asked_by:
        raise NotTheAsker


def require_reason(said: str) -> None:
    """Why something is asked for or refused is written down: the other person decides by it.

    Raises:
        ReasonRequired
    """
    if not said.strip():
        raise ReasonRequired
