"""Staff, members, and the tokens with which both sign in."""

from __future__ import annotations

import enum
from datetime import date

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.actor import Role
from app.models.base import (
    Base,
    CreatedAt,
    Fen,
    Id,
    IndexedId,
    MerchantOwned,
    PrimaryKey,
    Timestamp,
    state_column,
)


class StaffStatus(enum.Enum):
    active = "active"
    frozen = "frozen"


class Staff(MerchantOwned, Base):
    """One person on the staff of the operator, a merchant or a store; one row per login."""

    __tablename__ = "staff"
    __table_args__ = (CheckConstraint("daily_cash_limit_fen >= 0", name="staff_daily_cash_limit"),)
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), unique=True)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[Role] = state_column(Role, "staff_role")
    status: Mapped[StaffStatus] = state_column(
        StaffStatus, "staff_status", default=StaffStatus.active
    )
    daily_cash_limit_fen: Mapped[Fen | None]  # Cash top-ups per local day; empty: no limit.
    # Somebody else chose the password: nobody comes in before it is changed.
    must_change_password: Mapped[bool] = mapped_column(default=False, server_default="false")
    pin_hash: Mapped[str | None] = mapped_column(Text)  # For taking over at an enrolled terminal.
    created_at: Mapped[CreatedAt]


class CashDay(Base):
    """What a cashier with a limit has taken for top-ups on a local day, so that nobody adds it up.

    Only whoever holds the cashier's row reads or writes it. Without a row it is added up, once; so
    the row is deleted when a top-up is reversed or the limit changes.
    """

    __tablename__ = "cash_day"
    __table_args__ = (CheckConstraint("taken_fen >= 0", name="cash_day_taken"),)
    staff_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    on_day: Mapped[date]
    taken_fen: Mapped[Fen]


class StaffWeChat(Base):
    """The WeChat that somebody on the staff signs in with, through the official account."""

    __tablename__ = "staff_wechat"
    __table_args__ = (UniqueConstraint("appid", "openid"),)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    appid: Mapped[str] = mapped_column(Text)
    openid: Mapped[str] = mapped_column(Text)
    nickname: Mapped[str] = mapped_column(Text, default="", server_default="")
    bound_at: Mapped[CreatedAt]


class SecondFactor(Base):
    """The secret of somebody's code generator (TOTP), sealed. It counts once it is confirmed."""

    __tablename__ = "second_factor"
    staff_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("staff.id"), primary_key=True, autoincrement=False
    )
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    confirmed_at: Mapped[Timestamp | None]
    last_step: Mapped[Id] = mapped_column(default=0, server_default="0")  # No code works twice.


class RecoveryCode(Base):
    """One way in for somebody whose code generator is lost; each is good once."""

    __tablename__ = "recovery_code"
    id: Mapped[PrimaryKey]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    code_digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    used_at: Mapped[Timestamp | None]


class MemberStatus(enum.Enum):
    active = "active"
    frozen = "frozen"
    erased = "erased"


class Member(Base):
    """A member (会员). The phone is sealed, found by a keyed hash and shown masked."""

    __tablename__ = "member"
    __table_args__ = (
        Index("ix_member_merged", "merged_into_id", postgresql_where="merged_into_id IS NOT NULL"),
        CheckConstraint(
            "merged_into_id IS NULL OR (status = 'erased' AND merged_into_id <> id)",
            name="member_merged",
        ),
    )
    id: Mapped[PrimaryKey]
    nickname: Mapped[str] = mapped_column(Text, default="", server_default="")
    avatar_url: Mapped[str] = mapped_column(Text, default="", server_default="")
    status: Mapped[MemberStatus] = state_column(
        MemberStatus, "member_status", default=MemberStatus.active
    )
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_digest: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    phone_masked: Mapped[str | None] = mapped_column(Text)
    # The person's other account, which this one was joined to. It counts as erased since.
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    created_at: Mapped[CreatedAt]


class MemberIdentity(Base):
    """One WeChat identity of a member: an openid is good within one app only."""

    __tablename__ = "member_identity"
    __table_args__ = (UniqueConstraint("appid", "openid"),)
    id: Mapped[PrimaryKey]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    appid: Mapped[str] = mapped_column(Text)
    openid: Mapped[str] = mapped_column(Text)
    unionid: Mapped[str | None] = mapped_column(Text, index=True)
    created_at: Mapped[CreatedAt]


class MemberMerchant(MerchantOwned, Base):
    """That a merchant knows a member: written by the first card or payment between the two."""

    __tablename__ = "member_merchant"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    merchant_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, index=True
    )
    first_seen_at: Mapped[CreatedAt]


class PaymentCode(Base):
    """A payment code (付款码) on a member's phone: good for one payment within a minute."""

    __tablename__ = "payment_code"
    id: Mapped[PrimaryKey]
    code_digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    member_id: Mapped[IndexedId]
    expires_at: Mapped[Timestamp]
    used_at: Mapped[Timestamp | None]


class AccessToken(Base):
    """A bearer token. Only its digest is kept; a revoked one is refused by the next call."""

    __tablename__ = "access_token"
    __table_args__ = (
        CheckConstraint("(member_id IS NULL) <> (staff_id IS NULL)", name="access_token_one_owner"),
        Index("ix_access_token_member_id", "member_id", postgresql_where="member_id IS NOT NULL"),
        Index("ix_access_token_staff_id", "staff_id", postgresql_where="staff_id IS NOT NULL"),
    )
    id: Mapped[PrimaryKey]
    token_digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    member_id: Mapped[Id | None]
    staff_id: Mapped[Id | None]
    terminal_id: Mapped[Id | None]  # The device on which somebody on the staff signed in.
    appid: Mapped[str | None] = mapped_column(Text)  # The WeChat app in which a member did.
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Timestamp]
    revoked_at: Mapped[Timestamp | None]
