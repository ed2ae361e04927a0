"""Things that tests need, made through the services that make them in earnest.

Every call commits, so that other connections see the thing; a test never assumes an empty table.
"""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeVar

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from app.core.actor import PLATFORM_ROLES, SYSTEM, Actor, Role, Scope
from app.core.clock import utc_now
from app.core.keys import Keys
from app.core.serials import make_serial
from app.db import Database
from app.models.base import OPERATOR_ID
from app.models.cards import Bearer, Card, CardProgram, LotKind
from app.models.people import AccessToken, Member, MemberIdentity, Staff
from app.models.sales import TopUp, TopUpChannel, TopUpStatus
from app.models.tenants import Merchant, PayPoint, Store
from app.models.vouchers import BatchKind, VoucherBatch
from app.services import journal
from app.services.people import members
from app.services.sales import top_ups
from app.services.stored_value import programs
from app.services.stored_value.programs import ProgramRules
from app.services.tenants import merchants
from app.services.tenants.merchants import StorePlace
from app.services.vouchers import batches, voucher_custody, voucher_sales
from app.services.vouchers.batches import Acceptance, BatchTerms
from app.services.vouchers.voucher_events import Holder, SerialRange

T = TypeVar("T")
PASSWORD = "correct-horse-2026"


@dataclass(frozen=True)
class Factories:
    """``make.merchant()``, ``make.card(member, program, principal_fen=100_00)`` and so on."""

    database: Database
    keys: Keys
    appid: str = "wxtest0000000001"
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _hashes: dict[str, str] = field(default_factory=dict)

    def merchant(self, *, commission_bp: int = 60, name: str = "测试商户") -> Merchant:
        with self._work() as session:
            made = merchants.create_merchant(
                session,
                code=f"m{next(self._count)}",
                name=name,
                commission_bp=commission_bp,
                actor=SYSTEM,
            )
            return _whole(session, made)

    def store(
        self, merchant: Merchant | None = None, *, name: str = "测试门店", **place: object
    ) -> Store:
        owner = merchant or self.merchant()
        with self._work() as session:
            made, _ = merchants.add_store(
                session,
                merchant_id=owner.id,
                code=f"s{next(self._count)}",
                name=name,
                place=StorePlace(**place),  # type: ignore[arg-type]
                actor=SYSTEM,
            )
            return _whole(session, made)

    def pay_point(self, store: Store | None = None) -> PayPoint:
        owner = store or self.store()
        with self._work() as session:
            made = merchants.add_pay_point(session, store=owner, name="", actor=SYSTEM)
            return _whole(session, made)

    def program(
        self,
        *,
        issuer: Merchant | None = None,
        accepted_by: Collection[Merchant] | None = None,
        tiers: Mapping[int, int] | None = None,
        registered_cap_fen: int = 500_000,
        min_top_up_fen: int = 1,
        spend_first: LotKind = LotKind.principal,
        bonus_bearer: Bearer = Bearer.issuer,
        principal_days: int | None = None,
        bonus_days: int | None = None,
    ) -> CardProgram:
        """A program; without an issuer the operator's. The issuer accepts it unless told."""
        if accepted_by is None:
            accepted_by = [] if issuer is None else [issuer]
        with self._work() as session:
            made = programs.create_program(
                session,
                issuer_id=OPERATOR_ID if issuer is None else issuer.id,
                code=f"p{next(self._count)}",
                name="测试储值卡",
                accepted_by=[merchant.id for merchant in accepted_by],
                tiers=tiers or {},
                rules=ProgramRules(
                    registered_cap_fen=registered_cap_fen,
                    min_top_up_fen=min_top_up_fen,
                    spend_first=spend_first,
                    bonus_bearer=bonus_bearer,
                    principal_days=principal_days,
                    bonus_days=bonus_days,
                ),
                actor=SYSTEM,
            )
            return _whole(session, made)

    def staff(
        self,
        role: Role = Role.platform_admin,
        store: Store | None = None,
        *,
        merchant: Merchant | None = None,
        password: str = PASSWORD,
        daily_cash_limit_fen: int | None = None,
    ) -> Staff:
        """Somebody of that role, at a store, a merchant, or the operator."""
        if password not in self._hashes:  # Hashing is slow on purpose; once will do.
            self._hashes[password] = generate_password_hash(password)
        username = f"u{next(self._count)}"
        if store is not None:
            merchant_id = store.merchant_id
        elif merchant is not None:
            merchant_id = merchant.id
        else:
            merchant_id = OPERATOR_ID
        with self._work() as session:
            user = User(
                first_name=username,
                last_name="",
                username=username,
                email=f"{username}@staff.invalid",
                password=self._hashes[password],
                active=True,
            )
            session.add(user)
            session.flush()
            made = Staff(
                merchant_id=merchant_id,
                store_id=store.id if store is not None else None,
                user_id=user.id,
                name=username,
                role=role,
                daily_cash_limit_fen=daily_cash_limit_fen,
            )
            session.add(made)
            session.flush()
            return _whole(session, made)

    def actor(self, staff: Staff) -> Actor:
        """Somebody on the staff, as the edge hands them to a service."""
        if staff.role in PLATFORM_ROLES:
            scope = Scope.platform
        else:
            scope = Scope.merchant if staff.store_id is None else Scope.store
        return Actor(
            scope=scope,
            staff_id=staff.id,
            merchant_id=staff.merchant_id,
            store_id=staff.store_id,
            role=staff.role,
        )

    def username(self, staff: Staff) -> str:
        return staff.name

    def phone(self) -> str:
        return f"138{next(self._count):08d}"

    def member(self, *, phone: str | None = None, nickname: str = "小李") -> Member:
        """A member with an identity in the mini-program, and a phone of their own."""
        with self._work() as session:
            made = Member(nickname=nickname)
            session.add(made)
            session.flush()
            session.add(
                MemberIdentity(member_id=made.id, appid=self.appid, openid=f"o-{next(self._count)}")
            )
            members.bind_phone(
                session, member_id=made.id, phone=phone or self.phone(), keys=self.keys
            )
            return _whole(session, made)

    def card(
        self,
        member: Member | None = None,
        program: CardProgram | None = None,
        *,
        principal_fen: int = 0,
        bonus_fen: int = 0,
        channel: TopUpChannel = TopUpChannel.wechat,
        store: Store | None = None,
        now: datetime | None = None,
    ) -> Card:
        """The member's card of the program, with one top-up more on it (principal and bonus)."""
        owner = member or self.member()
        product = program or self.program(issuer=self.merchant())
        at = now or utc_now()
        with self._work() as session:
            card_id = top_ups.card_for(session, member_id=owner.id, program_id=product.id, now=at)
            if principal_fen or bonus_fen:
                top_up = _pending_top_up(
                    session, owner, product, principal_fen, bonus_fen, channel, store, at
                )
                source = "cash:store" if channel is TopUpChannel.cash else "bank:wechat"
                top_ups.credit(session, top_up=top_up, card_id=card_id, source=source, now=at)
            return _whole(session, session.get_one(Card, card_id))

    def batch(
        self,
        *,
        issuer: Merchant | None = None,
        kind: BatchKind = BatchKind.payment,
        face_value_fen: int = 100_00,
        sale_price_fen: int | None = None,
        quantity: int = 10,
        bearer: Bearer = Bearer.platform,
        program: CardProgram | None = None,
        accepted_by: Sequence[Acceptance] = (),
        expires_on: date | None = None,
        days_from_activation: int | None = None,
        now: datetime | None = None,
    ) -> VoucherBatch:
        """An approved batch, ready to be generated; sold at its face value unless told."""
        owner = issuer or self.merchant()
        maker, approver = self.actor(self.staff()), self.actor(self.staff())
        terms = BatchTerms(
            kind=kind,
            face_value_fen=face_value_fen,
            sale_price_fen=face_value_fen if sale_price_fen is None else sale_price_fen,
            quantity=quantity,
            bearer=bearer,
            program_id=program.id if program is not None else None,
            expires_on=expires_on,
            days_from_activation=days_from_activation,
        )
        with self._work() as session:
            made = batches.create_batch(
                session,
                issuer_id=owner.id,
                name="测试券",
                terms=terms,
                accepted_by=accepted_by or [Acceptance(merchant_id=owner.id)],
                maker=maker,
                now=now or utc_now(),
            )
            batches.approve_batch(session, batch_id=made.id, approver=approver)
            return _whole(session, made)

    def vouchers(
        self,
        batch: VoucherBatch | None = None,
        *,
        activate: bool = True,
        now: datetime | None = None,
    ) -> list[str]:
        """Generate an approved batch, and activate it; the plain codes in serial order."""
        whole = batch or self.batch()
        with self._work() as session:
            codes = batches.generate_vouchers(
                session, batch_id=whole.id, keys=self.keys, actor=SYSTEM
            )
            if activate:
                voucher_sales.activate_vouchers(
                    session, batch_id=whole.id, serials=None, actor=SYSTEM, now=now or utc_now()
                )
            return codes

    def stock(
        self, batch: VoucherBatch, store: Store, first: int = 1, last: int | None = None
    ) -> list[str]:
        """Hand generated paper to a store, by running numbers; the serial numbers in order."""
        ends = (first, last or batch.quantity)
        serials = [make_serial(batch.batch_no, number) for number in range(ends[0], ends[1] + 1)]
        with self._work() as session:
            voucher_custody.hand_over(
                session,
                batch_id=batch.id,
                serials=SerialRange(first=serials[0], last=serials[-1]),
                taker=Holder(merchant_id=store.merchant_id, store_id=store.id),
                actor=SYSTEM,
            )
        return serials

    def member_token(self, member: Member) -> str:
        return self._token(member_id=member.id)

    def staff_token(self, staff: Staff) -> str:
        return self._token(staff_id=staff.id)

    def _token(self, *, member_id: int | None = None, staff_id: int | None = None) -> str:
        token = secrets.token_urlsafe(32)
        with self._work() as session:
            session.add(
                AccessToken(
                    token_digest=hashlib.sha256(token.encode()).digest(),
                    member_id=member_id,
                    staff_id=staff_id,
                    expires_at=utc_now() + timedelta(days=1),
                )
            )
        return token

    @contextmanager
    def _work(self) -> Iterator[Session]:
        with self.database.unit_of_work(SYSTEM) as session:
            yield session


def _whole(session: Session, made: T) -> T:
    """The thing with all its columns loaded, for use after its session is gone."""
    session.flush()
    session.refresh(made)
    return made


def _pending_top_up(
    session: Session,
    member: Member,
    program: CardProgram,
    principal_fen: int,
    bonus_fen: int,
    channel: TopUpChannel,
    store: Store | None,
    now: datetime,
) -> TopUp:
    top_up_id, top_up_no = journal.next_document(session, table="top_up", letter="T", now=now)
    made = TopUp(
        id=top_up_id,
        top_up_no=top_up_no,
        merchant_id=program.merchant_id,
        store_id=store.id if store is not None else None,
        program_id=program.id,
        channel=channel,
        status=TopUpStatus.pending,
        amount_fen=principal_fen,
        bonus_fen=bonus_fen,
        member_id=member.id,
        payer_id=member.id,
        created_at=now,
    )
    session.add(made)
    return made
