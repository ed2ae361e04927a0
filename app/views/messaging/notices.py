"""Messages to members' WeChat: what was sent, what was refused and why, and sending once more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from app.core.errors import N_
from app.models.cards import Lot
from app.models.notices import Notice, NoticeKind, NoticeStatus
from app.models.sales import Payment, Refund, TopUp
from app.models.vouchers import Gift
from app.services.messaging.notices import send_again
from app.views.cells import Cell
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import OnceForm
from app.views.records import Records

_PAID = (Payment, ("payment_no", "store_id", "amount_fen", "status", "created_at"))
_TOPPED_UP = (TopUp, ("top_up_no", "channel", "amount_fen", "bonus_fen", "status", "created_at"))
_GIVEN = (Gift, ("gift_no", "receiver_id", "amount_fen", "status", "created_at"))
_REFUNDED = (Refund, ("refund_no", "store_id", "amount_fen", "status", "created_at"))
_EXPIRING = (Lot, ("card_id", "kind", "remaining_fen", "expires_at"))
_SUBJECTS: dict[NoticeKind, tuple[Any, Sequence[str]]] = {
    NoticeKind.paid: _PAID,
    NoticeKind.topped_up: _TOPPED_UP,
    NoticeKind.gift_claimed: _GIVEN,
    NoticeKind.gift_returned: _GIVEN,
    NoticeKind.refunded: _REFUNDED,
    NoticeKind.expiring: _EXPIRING,
}
# WeChat's errcodes that are met in practice, and our own words in their place.
REASONS = {
    "no_openid": N_("The member has never used the mini-program, or is erased."),
    "no_template": N_(
        "No template is set for this kind. See WECHAT_NOTICE_TEMPLATES and WECHAT_OA_TEMPLATES."
    ),
    "unfollowed": N_("The member does not follow the official account any more."),
    "43004": N_("The member does not follow the official account any more."),
    "user_block": N_("The member has blocked the official account's messages."),
    "system_failed": N_("WeChat took the message and could not deliver it."),
    "45009": N_("WeChat's limit of messages for today is reached. It goes on by itself."),
    "40001": N_("WeChat does not accept our access. Check the app's secret and the IP list."),
    "40003": N_("WeChat does not know this member in that app."),
    "43101": N_("The member does not take such messages any more."),
    "40037": N_("WeChat does not know the template's number."),
    "47003": N_("A field of the template does not fit. Compare the template with WeChat's."),
}


class NoticeForm(OnceForm):
    """Sending once more asks for nothing but a yes."""


class Notices(Records):
    route_base = "/console/notices"
    datamodel = SQLAInterface(Notice)
    title_text = N_("Messages to members")
    explanation = N_(
        "Each message is written once for an event. The mini-program's was agreed to by the member"
        " before; who has not agreed and follows the official account is told by that. While WeChat"
        " does not answer, it is tried again by itself."
    )
    list_columns = [
        *("created_at", "member_id", "kind", "channel", "status", "tries", "reason", "sent_at"),
    ]
    show_columns = [
        *("kind", "channel", "status", "member_id", "tries", "reason", "created_at", "sent_at"),
    ]
    when = "created_at"
    filter_columns = ("kind", "channel", "status")

    def _cells(self, row: Any, columns: Sequence[str], names: Any) -> Sequence[Cell]:
        """WeChat's codes in words, with the code for whoever looks it up at WeChat."""
        return [
            _why(one) if column == "reason" else one
            for column, one in zip(columns, super()._cells(row, columns, names), strict=True)
        ]

    def buttons(self, row: Any) -> Sequence[Action]:
        if row.status is not NoticeStatus.refused:
            return ()
        return those_allowed(action(gettext("Send again"), "NoticeDesk.resend", pk=row.id))

    def related(self, row: Any) -> Any:
        table, columns = _SUBJECTS[row.kind]
        return [
            (gettext("What it tells of"),
             *self.related_rows(table, table.id == row.subject_id, columns)),
        ]  # fmt: skip


def _why(told: Cell) -> Cell:
    known = REASONS.get(told.text)
    if known is None:
        return told
    code = f" ({told.text})" if told.text.isdecimal() else ""
    return Cell(f"{gettext(known)}{code}", "name")


class NoticeDesk(Desk):
    """The administrator sends once more what WeChat has refused, when its cause is mended."""

    route_base = "/console/notices"
    belongs_to = "Notices"

    @expose("/<int:pk>/resend", methods=("GET", "POST"))
    @has_access
    def resend(self, pk: int) -> ResponseReturnValue:
        """One more try, by the job that sends."""
        notice = self.found(Notice, pk)
        known = REASONS.get(notice.reason)
        return self.confirmed(
            NoticeForm(),
            partial(send_again, notice_id=pk, actor=g.actor),
            said=gettext("The message is sent again in a moment."),
            back=url_for("Notices.show", pk=pk),
            title=gettext("Send again"),
            submit=gettext("Send again"),
            explanation=gettext("WeChat refused this message: %(why)s",
                                why=gettext(known) if known else notice.reason),
            facts=[
                gettext("The member gets one message, if WeChat takes it now."),
                gettext("It does not use up another agreement of the member's."),
            ],
        )  # fmt: skip
