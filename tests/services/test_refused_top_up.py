"""A refused top-up changes nothing: no empty card, and no shop learns to know the member."""

from __future__ import annotations

import hashlib

from sqlalchemy import text

from app.core.actor import Role
from app.core.keys import token_digest
from app.services.sales import cash_top_ups


def test_cash_over_the_cap_leaves_no_empty_card_behind(session, make, keys):
    merchant = make.merchant()
    store, phone = make.store(merchant), make.phone()
    program = make.program(issuer=merchant, registered_cap_fen=100_00)
    member = make.member(phone=phone)
    till = make.staff_token(make.staff(Role.cashier, store))
    verdict, _, _, room_fen = make.database.call(
        cash_top_ups.TAKE,
        (
            token_digest(till), "over", hashlib.sha256(b"over").digest(),
            keys.phone_digest(phone), None, None, program.id, 100_01,
        ),
    )  # fmt: skip
    assert (verdict, room_fen) == ("card_cap_exceeded", 100_00)
    for table in ("card", "member_merchant"):
        left = text(f"SELECT count(*) FROM {table} WHERE member_id = :id")
        assert session.scalar(left, {"id": member.id}) == 0, table
