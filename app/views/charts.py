"""The dashboard's charts: what each shows, for the drawing and for the table behind it alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core.actor import Scope
from app.core.clock import end_of_day, start_of_day
from app.core.errors import N_
from app.queries import figures
from app.queries.takings import Takings, rank_stores, sum_by_hour, sum_takings
from app.views import labels
from app.views.cells import state_name

_STORES_SHOWN = 8
_BATCHES_SHOWN = 8
PERIODS = {"today": (N_("Today"), 1), "week": (N_("7 days"), 7), "month": (N_("30 days"), 30)}


@dataclass(frozen=True, kw_only=True)
class Span:
    """Some local days up to today, and what they are compared with."""

    name: str
    first: date
    last: date

    @property
    def bounds(self) -> dict[str, datetime]:
        return _bounds(self.first, self.last)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def compared(self) -> Sequence[tuple[str, dict[str, datetime]]]:
        """A day against yesterday and a week ago; more days against as many before them."""
        if self.days == 1:
            before = ((N_("Yesterday"), 1), (N_("A week ago"), 7))
        else:
            before = ((N_("As many days before"), self.days),)
        return [
            (gettext(label), _bounds(self.first - ago, self.last - ago))
            for label, ago in ((label, timedelta(days=days)) for label, days in before)
        ]


@dataclass(frozen=True, kw_only=True)
class Series:
    name: str
    values: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """``kind``: columns over time, bars beside each other, or a ring. ``unit``: fen or count."""

    id: str
    title: str
    kind: str
    unit: str
    axis: str
    labels: Sequence[str]
    series: Sequence[Series]
    nothing: str = ""
    stacked: bool = False
    notes: Sequence[str] = ()
    note_name: str = ""

    @property
    def empty(self) -> bool:
        return not any(value for one in self.series for value in one.values)

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "title": self.title,
            "kind": self.kind,
            "unit": self.unit,
            "stacked": self.stacked,
            "labels": list(self.labels),
            "series": [{"name": one.name, "values": list(one.values)} for one in self.series],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class Known:
    """What both tiles and charts tell, asked once. ``owed`` by account; none in a store's console,
    for cards and paper are the issuer's."""

    taken: Takings
    owed: Sequence[tuple[str, int]] | None


def read_known(session: Session, *, span: Span, scope: Scope) -> Known:
    return Known(
        taken=sum_takings(session, **span.bounds),
        owed=None if scope is Scope.store else figures.outstanding_by_account(session),
    )


def read_span(name: str, *, today: date) -> Span:
    """The period that an address names; today unless it is one of ours."""
    chosen = name if name in PERIODS else "today"
    return Span(name=chosen, first=today - timedelta(days=PERIODS[chosen][1] - 1), last=today)


def draw_charts(session: Session, *, span: Span, known: Known) -> list[Chart]:
    """All charts of one console. A store has neither other stores, nor batches, nor liabilities."""
    charts = [_days(session, span)] if span.days > 1 else []
    charts += [_hours(session, span), _tenders(known.taken), _channels(session, span)]
    if known.owed is not None:
        charts += [_stores(session, span), _batches(session), _outstanding(known.owed)]
    return [*charts, _members(session, span)]


def _days(session: Session, span: Span) -> Chart:
    days = figures.sum_by_day(session, **span.bounds)
    return Chart(
        id="days", title=gettext("Takings by day"), kind="columns", unit="fen",
        axis=gettext("Day"), labels=[f"{day.day:%m-%d}" for day in days], stacked=True,
        series=[
            Series(name=gettext("Payments"), values=[day.payments_fen for day in days]),
            Series(name=gettext("Redemptions"), values=[day.redemptions_fen for day in days]),
        ],
        nothing=gettext("Nothing was taken in these days."),
    )  # fmt: skip


def _hours(session: Session, span: Span) -> Chart:
    series = [
        Series(name=gettext("Payments"), values=list(sum_by_hour(session, **span.bounds))),
    ]
    if span.days == 1:
        label, bounds = span.compared()[0]
        series.append(Series(name=label, values=list(sum_by_hour(session, **bounds))))
    return Chart(
        id="hours", title=gettext("Payments by hour"), kind="columns", unit="fen",
        axis=gettext("Hour"), labels=[f"{hour:02d}:00" for hour in range(24)], series=series,
        nothing=gettext("No payment yet."),
    )  # fmt: skip


def _tenders(taken: Takings) -> Chart:
    parts = (
        (gettext("Cards"), taken.payments_card_fen),
        (gettext("WeChat Pay"), taken.payments_wechat_fen),
        (gettext("Paper vouchers"), taken.redemptions_fen),
    )
    return Chart(
        id="tenders", title=gettext("By tender"), kind="ring", unit="fen",
        axis=gettext("Tender"), labels=[name for name, _ in parts],
        series=[Series(name=gettext("Amount"), values=[fen for _, fen in parts])],
        nothing=gettext("Nothing was taken yet."),
    )  # fmt: skip


def _channels(session: Session, span: Span) -> Chart:
    found = figures.sum_by_channel(session, **span.bounds)
    return Chart(
        id="channels", title=gettext("Top-ups by channel"), kind="bars", unit="fen",
        axis=gettext("Channel"), labels=[state_name(one.channel) for one in found], stacked=True,
        series=[
            Series(name=gettext("Amount"), values=[one.amount_fen for one in found]),
            Series(name=gettext("Bonus"), values=[one.bonus_fen for one in found]),
        ],
        nothing=gettext("Nobody has topped up a card yet."),
    )  # fmt: skip


def _stores(session: Session, span: Span) -> Chart:
    ranked = rank_stores(session, limit=_STORES_SHOWN, **span.bounds)
    return Chart(
        id="stores", title=gettext("Stores with the highest takings"), kind="bars", unit="fen",
        axis=gettext("Store"), labels=[one.name for one in ranked],
        series=[Series(name=gettext("Takings"), values=[one.takings_fen for one in ranked])],
        nothing=gettext("Nothing was taken yet."),
    )  # fmt: skip


def _batches(session: Session) -> Chart:
    found = figures.count_by_batch(session, limit=_BATCHES_SHOWN)
    names = [one.name for one in found]
    return Chart(
        id="batches", title=gettext("Redemption rate by batch"), kind="bars", unit="count",
        axis=gettext("Voucher batch"), stacked=True,
        labels=[
            one.name if names.count(one.name) == 1 else f"{one.name} {one.batch_no}"
            for one in found
        ],
        series=[
            Series(name=gettext("Redeemed"), values=[one.redeemed for one in found]),
            Series(name=gettext("Still good"), values=[one.active for one in found]),
            Series(name=gettext("Voided or expired"), values=[one.ended for one in found]),
        ],
        notes=[f"{one.rate_bp // 100}.{one.rate_bp % 100 // 10}%" for one in found],
        note_name=gettext("Rate"),
        nothing=gettext("No voucher has been activated yet."),
    )  # fmt: skip


def _outstanding(parts: Sequence[tuple[str, int]]) -> Chart:
    return Chart(
        id="outstanding", title=gettext("Outstanding liability"), kind="ring", unit="fen",
        axis=gettext("Account"),
        labels=[gettext(labels.ACCOUNTS[account]) for account, _ in parts],
        series=[Series(name=gettext("Amount"), values=[fen for _, fen in parts])],
        nothing=gettext("Nothing is owed to members or holders of vouchers."),
    )  # fmt: skip


def _members(session: Session, span: Span) -> Chart:
    # One day says little: a week is the least that shows whether it is more or less.
    first = min(span.first, span.last - timedelta(days=6))
    days = figures.sum_by_day(session, **_bounds(first, span.last))
    return Chart(
        id="members", title=gettext("New members by day"), kind="columns", unit="count",
        axis=gettext("Day"), labels=[f"{day.day:%m-%d}" for day in days],
        series=[Series(name=gettext("New members"), values=[day.new_members for day in days])],
        nothing=gettext("Nobody has joined in these days."),
    )  # fmt: skip


def _bounds(first: date, last: date) -> dict[str, datetime]:
    return {"since": start_of_day(first), "until": end_of_day(last)}
