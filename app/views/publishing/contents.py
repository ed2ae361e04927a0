"""The list of content, and an item's page: its state, its versions, who changed what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext
from sqlalchemy import and_, select

from app.core.errors import N_
from app.models.contents import ContentItem, ContentStatus, ContentVersion
from app.models.plumbing import AuditRecord
from app.services.publishing.contents import stage_of
from app.views.desks import Action, action, those_allowed
from app.views.records import Records


class Contents(Records):
    route_base = "/console/contents"
    datamodel = SQLAInterface(ContentItem)
    title_text = N_("Content")
    explanation = N_("Goods, solutions, articles and pages; what the site and the app show.")
    list_columns = ["title", "kind", "status", "revision_status", "category", "merchant_id",
                    "sort", "published_at", "publish_at", "updated_at"]  # fmt: skip
    show_columns = ["title", "kind", "status", "revision_status", "summary", "category", "slug",
                    "price_fen", "city", "link_url", "merchant_id", "sort", "version_no", "head_no",
                    "publish_at", "withdraw_at", "published_at", "withdrawn_at", "created_by_id",
                    "created_at", "updated_by_id", "updated_at"]  # fmt: skip
    when = "updated_at"
    filter_columns = ("kind", "status", "revision_status", "merchant_id")
    search_in = ("title",)

    def list_buttons(self) -> Sequence[Action]:
        return those_allowed(
            action(gettext("Write something new"), "ContentDesk.new", tone="main"),
            action(gettext("Order and display"), "ContentOrder.arrange"),
            action(gettext("Merchants that write"), "ContentOrder.merchants"),
        )

    def buttons(self, row: Any) -> Sequence[Action]:
        stage, pk = stage_of(row), row.id
        offered = [action(gettext("Edit"), "ContentDesk.edit", tone="main", pk=pk),
                   action(gettext("Preview"), "ContentDesk.look", pk=pk)]  # fmt: skip
        if stage in {"draft", "withdrawn"}:
            offered.append(action(gettext("Submit for review"), "ContentDesk.submit", pk=pk))
        if stage != "published":
            offered.append(action(gettext("Publish"), "ContentDesk.plan", tone="main", pk=pk))
        if stage in {"review", "scheduled"}:
            offered.append(action(gettext("Send back"), "ContentDesk.back", pk=pk))
        offered.append(action(gettext("Versions"), "ContentVersions.versions", pk=pk))
        if row.status is ContentStatus.published:
            offered.append(action(gettext("Take down at a time"), "ContentDesk.until", pk=pk))
            offered.append(
                action(gettext("Take down"), "ContentDesk.withdraw", tone="danger", pk=pk)
            )
        return those_allowed(*offered)

    def notices(self, row: Any) -> Sequence[str]:
        told: list[str] = []
        if row.status is ContentStatus.published and row.head_no != row.version_no:
            said = gettext("Version %(shown)s is public. Version %(newest)s waits beside it.")
            told = [said % {"shown": row.version_no, "newest": row.head_no}]
        why = self._sent_back(row) if stage_of(row) == "draft" else None
        return [*told, gettext("Sent back: %(reason)s") % {"reason": why}] if why else told

    def _sent_back(self, row: Any) -> str | None:
        """Why the newest version was not published like that, as the platform wrote it."""
        newest = select(AuditRecord.detail).where(
            AuditRecord.action == "content.send_back",
            AuditRecord.subject_id == row.id,
            AuditRecord.merchant_id == row.merchant_id,
        )
        told = self.appbuilder.session.scalar(newest.order_by(AuditRecord.id.desc()).limit(1))
        return told["reason"] if told and told.get("version") == row.head_no else None

    def related(self, row: Any) -> Any:
        versions = ("version_no", "title", "created_by_id", "created_at", "published_at",
                    "restored_from_no")  # fmt: skip
        changes = ("occurred_at", "action", "staff_id", "detail")
        about = and_(
            AuditRecord.subject_id == row.id,
            AuditRecord.action.startswith("content."),
            AuditRecord.merchant_id == row.merchant_id,
        )
        return [
            (gettext("Versions"),
             *self.related_rows(ContentVersion, ContentVersion.item_id == row.id, versions)),
            (gettext("Who changed what"), *self.related_rows(AuditRecord, about, changes)),
        ]  # fmt: skip
