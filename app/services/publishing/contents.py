"""Content: written, reviewed, published at its time, withdrawn; every version is kept.

A version never changes. While an item is published its newest version waits beside what the public
reads (``ContentItem.revision_status``) until it is published itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import rich_text
from app.core.actor import PLATFORM_ROLES, SYSTEM, Actor
from app.core.clock import local
from app.models.base import OPERATOR_ID
from app.models.contents import (
    ContentItem,
    ContentKind,
    ContentRight,
    ContentStatus,
    ContentVersion,
    MediaFile,
    RevisionStatus,
)
from app.services import journal
from app.services.publishing.content_refusals import (
    ContentChangedMeanwhile,
    ContentNotFound,
    ContentNotYours,
    ContentPictureUnknown,
    ContentSlugTaken,
    ContentStateWrong,
    ContentTimeWrong,
)
from app.services.publishing.content_words import Words, cleaned, columns_of, words_of

# What merchants may write of their own; the rest is the platform's.
MERCHANT_KINDS = frozenset({ContentKind.goods, ContentKind.solution, ContentKind.article,
                            ContentKind.store})  # fmt: skip
_BATCH = 50


def create_content(
    session: Session,
    *,
    merchant_id: int,
    kind: ContentKind,
    words: Words,
    actor: Actor,
    slug: str | None = None,
) -> ContentItem:
    """Begin an item as a draft.

    Raises:
        ContentNotYours, ContentSlugTaken, ContentTextTooLong, ContentLinkWrong
    """
    _require_right(session, merchant_id, kind, actor)
    assert (kind is ContentKind.page) == (slug is not None), "a page has an address of its own"
    if slug is not None and session.scalar(select(ContentItem.id).where(ContentItem.slug == slug)):
        raise ContentSlugTaken
    kept = cleaned(words)
    item = ContentItem(
        merchant_id=merchant_id,
        kind=kind,
        slug=slug,
        created_by_id=actor.staff_id,
        updated_by_id=actor.staff_id,
        **columns_of(kept),
    )
    session.add(item)
    session.flush()
    _keep_version(session, item, kept, actor)
    _audit(session, "content.create", item, actor)
    return item


def save_content(
    session: Session,
    *,
    item_id: int,
    words: Words,
    seen_no: int,
    actor: Actor,
    now: datetime,
    restored_from_no: int | None = None,
) -> ContentItem:
    """Keep a new version as a draft. What is published stays as it is.

    Args:
        seen_no: The version that the writer began from.

    Raises:
        ContentChangedMeanwhile, ContentNotFound, ContentNotYours, ContentTextTooLong,
        ContentLinkWrong
    """
    item = _locked(session, item_id)
    _require_right(session, item.merchant_id, item.kind, actor)
    if item.head_no != seen_no:
        raise ContentChangedMeanwhile(version_no=item.head_no)
    kept = cleaned(words)
    item.head_no += 1
    item.updated_by_id, item.updated_at = actor.staff_id, now
    if item.status is ContentStatus.published:
        item.revision_status = RevisionStatus.draft
    else:
        _show(item, kept, item.head_no)
        if item.status is not ContentStatus.withdrawn:
            item.status = ContentStatus.draft
    item.publish_at = None
    _keep_version(session, item, kept, actor, restored_from_no=restored_from_no)
    _audit(session, "content.save", item, actor, restored_from=restored_from_no)
    return item


def restore_version(
    session: Session, *, item_id: int, version_no: int, actor: Actor, now: datetime
) -> ContentItem:
    """Make an older version the newest again, as a draft; nothing between is lost.

    Raises:
        ContentNotFound
    """
    item = _locked(session, item_id)
    old = find_version(session, item_id=item_id, version_no=version_no)
    return save_content(
        session,
        item_id=item_id,
        words=words_of(old),
        seen_no=item.head_no,
        actor=actor,
        now=now,
        restored_from_no=version_no,
    )


def submit_content(session: Session, *, item_id: int, actor: Actor) -> ContentItem:
    """Ask the platform to look at the newest version."""
    item = _locked(session, item_id)
    _require_right(session, item.merchant_id, item.kind, actor)
    _require(stage_of(item) in {"draft", "withdrawn"})
    _set_stage(item, "review")
    _audit(session, "content.submit", item, actor)
    return item


def send_back(session: Session, *, item_id: int, reason: str, actor: Actor) -> ContentItem:
    """Not published like this: whoever wrote it reads why."""
    item = _locked(session, item_id)
    _require(stage_of(item) in {"review", "scheduled"})
    _set_stage(item, "draft")
    item.publish_at = None
    _audit(session, "content.send_back", item, actor, reason=reason)
    return item


def plan_content(
    session: Session,
    *,
    item_id: int,
    publish_at: datetime | None,
    withdraw_at: datetime | None,
    actor: Actor,
    now: datetime,
) -> ContentItem:
    """Publish the newest version, now or at a time, and say when it is withdrawn by itself.

    Args:
        publish_at: None for now.
        withdraw_at: None: until somebody withdraws it.

    Raises:
        ContentTimeWrong, ContentStateWrong, ContentNotFound
    """
    item = _locked(session, item_id)
    _require(stage_of(item) in {"draft", "review", "scheduled", "withdrawn"})
    begins = publish_at or now
    if begins < now or (withdraw_at is not None and withdraw_at <= begins):
        raise ContentTimeWrong
    item.withdraw_at = withdraw_at
    if publish_at is None:
        _publish(session, item, actor=actor, now=now)
        return item
    _set_stage(item, "scheduled")
    item.publish_at = publish_at
    _audit(session, "content.schedule", item, actor, at=_minute(publish_at))
    return item


def plan_withdrawal(
    session: Session, *, item_id: int, withdraw_at: datetime | None, actor: Actor, now: datetime
) -> ContentItem:
    """Say until when what is public stays so; its words and newer versions are left alone.

    Args:
        withdraw_at: None: until somebody withdraws it.

    Raises:
        ContentTimeWrong, ContentStateWrong, ContentNotFound
    """
    item = _locked(session, item_id)
    _require(item.status is ContentStatus.published)
    if withdraw_at is not None and withdraw_at <= now:
        raise ContentTimeWrong
    item.withdraw_at = withdraw_at
    _audit(session, "content.end", item, actor, at=_minute(withdraw_at) if withdraw_at else None)
    return item


def withdraw_content(
    session: Session, *, item_id: int, reason: str, actor: Actor, now: datetime
) -> ContentItem:
    """Take an item off the site and out of the app at once.

    Raises:
        ContentStateWrong, ContentNotFound
    """
    item = _locked(session, item_id)
    _require(item.status is ContentStatus.published)
    _withdraw(session, item, actor=actor, now=now, reason=reason)
    return item


def publish_due(session: Session, *, now: datetime) -> int:
    """By the clock: publish and withdraw what is due. Returns how many items were changed."""
    changed = 0
    for column, work in ((ContentItem.publish_at, _publish), (ContentItem.withdraw_at, _end)):
        due = select(ContentItem).where(column <= now).order_by(ContentItem.id).limit(_BATCH)
        for item in session.scalars(due.with_for_update(skip_locked=True)):
            work(session, item, actor=SYSTEM, now=now)
            changed += 1
    return changed


def arrange_contents(session: Session, *, order: Mapping[int, int], actor: Actor) -> int:
    """Give items their places in lists, the least number first. Returns how many moved."""
    items = session.scalars(
        select(ContentItem)
        .where(ContentItem.id.in_(order))
        .order_by(ContentItem.id)
        .with_for_update()
    )
    moved = 0
    for item in items:
        if item.sort != order[item.id]:
            _audit(session, "content.arrange", item, actor, before=item.sort, after=order[item.id])
            item.sort = order[item.id]
            moved += 1
    return moved


def find_version(session: Session, *, item_id: int, version_no: int) -> ContentVersion:
    """One version of an item.

    Raises:
        ContentNotFound
    """
    found = session.scalar(
        select(ContentVersion).where(
            ContentVersion.item_id == item_id, ContentVersion.version_no == version_no
        )
    )
    if found is None:
        raise ContentNotFound
    return found


def stage_of(item: ContentItem) -> str:
    """How far the newest version is: draft, review, scheduled, published or withdrawn."""
    if item.revision_status is not RevisionStatus.none:
        return item.revision_status.name
    return item.status.name


def _publish(session: Session, item: ContentItem, *, actor: Actor, now: datetime) -> None:
    version = find_version(session, item_id=item.id, version_no=item.head_no)
    _show(item, words_of(version), item.head_no)
    item.status, item.revision_status = ContentStatus.published, RevisionStatus.none
    item.publish_at, item.withdrawn_at = None, None
    item.published_at = item.published_at or now
    item.updated_at = now
    session.execute(
        update(ContentVersion).where(ContentVersion.id == version.id).values(published_at=now)
    )
    _audit(session, "content.publish", item, actor)
    _tell(session, "content.published", item)


def _end(session: Session, item: ContentItem, *, actor: Actor, now: datetime) -> None:
    if item.status is ContentStatus.published:
        _withdraw(session, item, actor=actor, now=now, reason="at the planned time")
    else:  # It was withdrawn by hand before, or never came out.
        item.withdraw_at = None


def _withdraw(
    session: Session, item: ContentItem, *, actor: Actor, now: datetime, reason: str
) -> None:
    if item.head_no != item.version_no:  # From now on the newest version is what is shown.
        head = find_version(session, item_id=item.id, version_no=item.head_no)
        _show(item, words_of(head), item.head_no)
    item.status, item.revision_status = ContentStatus.withdrawn, RevisionStatus.none
    item.withdrawn_at, item.withdraw_at, item.publish_at = now, None, None
    item.updated_at = now
    _audit(session, "content.withdraw", item, actor, reason=reason)
    _tell(session, "content.withdrawn", item)


def _tell(session: Session, topic: str, item: ContentItem) -> None:
    journal.send_later(session, topic, subject_id=item.id, merchant_id=item.merchant_id)


def _minute(instant: datetime) -> str:
    """As the journal of changes shows it: Chinese time, to the minute."""
    return local(instant).strftime("%Y-%m-%d %H:%M")


def _set_stage(item: ContentItem, stage: str) -> None:
    if item.status is ContentStatus.published:
        item.revision_status = RevisionStatus[stage]
    else:
        item.status = ContentStatus[stage]


def _show(item: ContentItem, words: Words, version_no: int) -> None:
    for name, value in columns_of(words).items():
        setattr(item, name, value)
    item.version_no = version_no


def _keep_version(
    session: Session,
    item: ContentItem,
    words: Words,
    actor: Actor,
    *,
    restored_from_no: int | None = None,
) -> None:
    owners = {item.merchant_id, OPERATOR_ID}
    keys = rich_text.media_keys(words.body_html)
    shown = {pk for pk in (words.cover_id, *words.picture_ids) if pk is not None}
    pictures = select(MediaFile.id).where(
        MediaFile.merchant_id.in_(owners),
        MediaFile.key.in_(keys) | MediaFile.id.in_(shown),
    )
    media_ids = sorted(session.scalars(pictures))
    if not set(words.picture_ids).issubset(media_ids):
        raise ContentPictureUnknown
    if not shown.issubset(media_ids):
        raise ContentNotFound
    session.add(
        ContentVersion(
            merchant_id=item.merchant_id,
            item_id=item.id,
            version_no=item.head_no,
            media_ids=media_ids,
            restored_from_no=restored_from_no,
            created_by_id=actor.staff_id,
            **columns_of(words),
        )
    )


def _require_right(session: Session, merchant_id: int, kind: ContentKind, actor: Actor) -> None:
    if actor.role is None or actor.role in PLATFORM_ROLES:
        return
    allowed = session.get(ContentRight, merchant_id) is not None
    if not allowed or kind not in MERCHANT_KINDS or actor.merchant_id != merchant_id:
        raise ContentNotYours


def _require(condition: bool) -> None:  # noqa: FBT001 - what must hold
    if not condition:
        raise ContentStateWrong


def _locked(session: Session, item_id: int) -> ContentItem:
    item = session.get(ContentItem, item_id, with_for_update=True)
    if item is None:
        raise ContentNotFound
    return item


def _audit(
    session: Session, action: str, item: ContentItem, actor: Actor, **detail: object
) -> None:
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=item.id,
        merchant_id=item.merchant_id,
        detail={"version": item.head_no, **{k: v for k, v in detail.items() if v is not None}},
    )
