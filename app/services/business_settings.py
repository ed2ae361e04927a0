"""Business settings: what holds now, and changing it; the audit log has what held before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.business_settings import BusinessSetting
from app.core.errors import N_, Category, DomainError
from app.models.settings import Setting
from app.services import journal


class SettingOutOfBounds(DomainError):
    code = "setting_out_of_bounds"
    category = Category.INVALID
    template = N_("This value is outside of what is allowed. Please choose one within the bounds.")


class SettingChangedMeanwhile(DomainError):
    code = "setting_changed_meanwhile"
    category = Category.CONFLICT
    template = N_("Somebody has changed this setting meanwhile. Please look at it again.")


def read_setting(session: Session, setting: BusinessSetting) -> int:
    """What holds now, in the setting's unit: its row, or its default."""
    changed = session.scalar(select(Setting.value).where(Setting.name == setting.name))
    return setting.default if changed is None else changed


def change_setting(
    session: Session,
    setting: BusinessSetting,
    *,
    before: int,
    value: int,
    actor: Actor,
    now: datetime,
) -> bool:
    """Let another value hold from now on. Returns whether anything changed.

    Args:
        before: What the person saw who changes it.

    Raises:
        SettingOutOfBounds, SettingChangedMeanwhile
    """
    if not setting.least <= value <= setting.most:
        raise SettingOutOfBounds
    fresh = insert(Setting).values(name=setting.name, value=setting.default, changed_at=now)
    session.execute(fresh.on_conflict_do_nothing())
    row = session.get_one(Setting, setting.name, with_for_update=True, populate_existing=True)
    if row.value == value:
        return False
    if row.value != before:
        raise SettingChangedMeanwhile
    row.value, row.changed_by_id, row.changed_at = value, actor.staff_id, now
    session.flush()
    journal.audit(
        session,
        "setting.changed",
        actor=actor,
        detail={"name": setting.name, "before": before, "after": value},
    )
    return True
