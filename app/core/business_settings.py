"""The business settings: each with unit, default, bounds, what it does and where it comes from.

A setting stands here only if something reads it. Values are whole numbers in the setting's unit;
the changed ones are kept in the table ``setting`` (services/business_settings).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from app.core.errors import N_


class Unit(enum.Enum):
    fen = "fen"
    days = "days"
    hours = "hours"
    seconds = "seconds"
    basis_points = "basis_points"
    megabytes = "megabytes"


@dataclass(frozen=True, kw_only=True)
class BusinessSetting:
    """``least`` and ``most`` are included. ``source`` is the rule that the default comes from."""

    name: str
    group: str
    label: str
    unit: Unit
    default: int
    least: int
    most: int
    explanation: str
    source: str = ""


_PROGRAMS = N_("Card programs")
_RETURNS = N_("Returns of cards")
_GIFTS_AND_TOP_UPS = N_("Gifts and top-ups")
_CONTROL = N_("Control")

REGISTERED_CAP_FEN = BusinessSetting(
    name="cap.registered_fen",
    group=_PROGRAMS,
    label=N_("Highest cap of a registered card"),
    unit=Unit.fen,
    default=500_000,
    least=100,
    most=500_000,
    explanation=N_("No card program may allow more on a card whose holder is known."),
    source="国办发〔2011〕25号",
)
ANONYMOUS_CAP_FEN = BusinessSetting(
    name="cap.anonymous_fen",
    group=_PROGRAMS,
    label=N_("Highest cap of an anonymous card"),
    unit=Unit.fen,
    default=100_000,
    least=100,
    most=100_000,
    explanation=N_("No card program may allow more on a card without a holder's name."),
    source="国办发〔2011〕25号",
)
ANONYMOUS_DAYS = BusinessSetting(
    name="expiry.anonymous_days",
    group=_PROGRAMS,
    label=N_("Shortest validity of an anonymous card"),
    unit=Unit.days,
    default=1096,
    least=1096,
    most=36_500,
    explanation=N_("A card program whose principal ends earlier is shown with a warning."),
    source="国办发〔2011〕25号；法释〔2025〕4号 第二十四条",
)
COOLING_OFF_DAYS = BusinessSetting(
    name="return.cooling_off_days",
    group=_RETURNS,
    label=N_("Days in which unspent principal is given back in full"),
    unit=Unit.days,
    default=7,
    least=7,
    most=90,
    explanation=N_("Counted from each payment to the day on which the holder asks."),
    source="法释〔2025〕4号 第十四条",
)
LOAN_RATE_BP = BusinessSetting(
    name="return.loan_rate_bp",
    group=_RETURNS,
    label=N_("Interest when the merchant is the reason (one-year LPR)"),
    unit=Unit.basis_points,
    default=300,
    least=0,
    most=2_000,
    explanation=N_("A year's rate, from the day on which the holder asks to the day of payout."),
    source="法释〔2025〕4号 第十六条、第十七条",
)
DEPOSIT_RATE_BP = BusinessSetting(
    name="return.deposit_rate_bp",
    group=_RETURNS,
    label=N_("Interest when the holder is the reason (one-year deposit)"),
    unit=Unit.basis_points,
    default=150,
    least=0,
    most=2_000,
    explanation=N_("A year's rate, from the day on which the holder asks to the day of payout."),
    source="法释〔2025〕4号 第十六条、第十七条",
)
CASH_RETURN_FEN = BusinessSetting(
    name="return.cash_fen",
    group=_RETURNS,
    label=N_("Most that is paid out in cash"),
    unit=Unit.fen,
    default=10_000,
    least=0,
    most=10_000,
    explanation=N_("What is more goes back by WeChat or by transfer to a bank account."),
    source="《单用途商业预付卡管理办法（试行）》第二十一条",
)
WECHAT_RETURN_DAYS = BusinessSetting(
    name="return.wechat_days",
    group=_RETURNS,
    label=N_("Age up to which WeChat Pay refunds an order"),
    unit=Unit.days,
    default=360,
    least=0,
    most=365,
    explanation=N_("WeChat refuses orders older than a year; a few days are kept in reserve."),
)
RETURN_ALONE_FEN = BusinessSetting(
    name="return.alone_fen",
    group=_RETURNS,
    label=N_("Most that one person returns alone"),
    unit=Unit.fen,
    default=50_000,
    least=0,
    most=500_000,
    explanation=N_("A return of more waits until a second person has approved it."),
)
GIFT_HOURS = BusinessSetting(
    name="gift.hours",
    group=_GIFTS_AND_TOP_UPS,
    label=N_("Time to claim a gift"),
    unit=Unit.hours,
    default=24,
    least=1,
    most=720,
    explanation=N_("A gift that nobody claims in time goes back to its sender."),
)
UNCLAIMED_DAYS = BusinessSetting(
    name="top_up.unclaimed_days",
    group=_GIFTS_AND_TOP_UPS,
    label=N_("Time to bind the phone of a top-up"),
    unit=Unit.days,
    default=30,
    least=1,
    most=180,
    explanation=N_("Money for a phone that nobody binds in time is refunded to its payer."),
)
EXPIRY_NOTICE_DAYS = BusinessSetting(
    name="notice.expiry_days",
    group=_GIFTS_AND_TOP_UPS,
    label=N_("Days before value expires when its holder is told"),
    unit=Unit.days,
    default=7,
    least=1,
    most=90,
    explanation=N_("Only holders who have agreed to such a message in WeChat get one."),
)
ADJUSTMENT_FEN = BusinessSetting(
    name="adjustment.most_fen",
    group=_CONTROL,
    label=N_("Largest single adjustment"),
    unit=Unit.fen,
    default=100_000,
    least=100,
    most=500_000,
    explanation=N_("Nobody can ask for a correction of a card by more, up or down."),
)
DEEMED_DAYS = BusinessSetting(
    name="settlement.deemed_days",
    group=_CONTROL,
    label=N_("Days of silence after which a statement counts as confirmed"),
    unit=Unit.days,
    default=0,
    least=0,
    most=90,
    explanation=N_(
        "Counted from the day on which it was drawn up, or its dispute was answered. 0: never;"
        " only what is agreed with the merchants may stand here."
    ),
)
RELAY_LAG_SECONDS = BusinessSetting(
    name="alarm.relay_lag_seconds",
    group=_CONTROL,
    label=N_("Alarm when messages wait for the relay"),
    unit=Unit.seconds,
    default=60,
    least=5,
    most=86_400,
    explanation=N_("The job monitor warns when the oldest message has waited longer."),
)
MEDIA_QUOTA_MB = BusinessSetting(
    name="media.quota_mb",
    group=_CONTROL,
    label=N_("Room for a merchant's pictures"),
    unit=Unit.megabytes,
    default=200,
    least=1,
    most=100_000,
    explanation=N_("A merchant whose library is full cannot upload until it deletes pictures."),
)
TRAFFIC_RAW_DAYS = BusinessSetting(
    name="traffic.raw_days",
    group=_CONTROL,
    label=N_("How long page views are kept"),
    unit=Unit.days,
    default=30,
    least=2,
    most=400,
    explanation=N_("Older views are deleted. Their sums by hour and by day stay."),
)

SETTINGS: Mapping[str, BusinessSetting] = {
    setting.name: setting
    for setting in (
        REGISTERED_CAP_FEN,
        ANONYMOUS_CAP_FEN,
        ANONYMOUS_DAYS,
        COOLING_OFF_DAYS,
        LOAN_RATE_BP,
        DEPOSIT_RATE_BP,
        CASH_RETURN_FEN,
        WECHAT_RETURN_DAYS,
        RETURN_ALONE_FEN,
        GIFT_HOURS,
        UNCLAIMED_DAYS,
        EXPIRY_NOTICE_DAYS,
        ADJUSTMENT_FEN,
        DEEMED_DAYS,
        RELAY_LAG_SECONDS,
        MEDIA_QUOTA_MB,
        TRAFFIC_RAW_DAYS,
    )
}
