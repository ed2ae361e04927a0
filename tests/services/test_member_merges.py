"""Two accounts of one person become one: whatever both had, not a fen is lost and none is made."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core.actor import SYSTEM, Actor, Scope
from app.core.clock import utc_now
from app.models.cards import Card, CardProgram, CardStatus, Lot
from app.models.ledger import Posting
from app.models.people import AccessToken, Member, MemberIdentity, MemberStatus
from app.models.plumbing import IdempotencyRecord
from app.models.vouchers import Gift
from app.services.people import members
from app.services.people.member_merges import MembersNotJoined, follow_merges, merge_members
from app.services.people.members import PhoneTaken
from app.services.ports import WeChatIdentity
from app.services.stored_value import cards, gifts

OA = "wxofficial"
_yuan = st.integers(0, 20).map(lambda tens: tens * 10_00)
_holding = st.fixed_dictionaries({"principal_fen": _yuan, "bonus_fen": _yuan})
_person = st.fixed_dictionaries(
    {
        "cards": st.lists(st.one_of(st.none(), _holding), min_size=3, max_size=3),
        "gifts": st.lists(st.integers(1, 90_00), max_size=2),
        "claims": st.booleans(),
    }
)


@pytest.fixture(scope="module")
def products(make):
    """One program of the operator's, two of merchants', with different expiries."""
    return [
        make.program(bonus_days=10),
        make.program(issuer=make.merchant(), bonus_days=20, principal_days=30),
        make.program(issuer=make.merchant()),
    ]


def _in_official_account(make, database):
    """Somebody who has come by the official account only: no phone, another app's identity."""
    member = make.member(nickname="")
    with database.unit_of_work(SYSTEM) as session:
        session.get_one(Member, member.id).phone_digest = None
        identity = session.scalars(
            select(MemberIdentity).where(MemberIdentity.member_id == member.id)
        ).one()
        identity.appid = OA
    return member


def _actor(member_id):
    return Actor(scope=Scope.member, member_id=member_id)


def _live(make, database, keys, member, other, told, products):
    """Top-ups, gifts that wait for somebody, and one that the other person has claimed."""
    for program, holding in zip(products, told["cards"], strict=True):
        if holding is not None:
            make.card(member, program, **holding)
    for fen in told["gifts"]:
        _give(database, keys, member.id, fen)
    token = _give(database, keys, member.id, 5_00) if told["claims"] else None
    if token:
        with database.unit_of_work(SYSTEM) as session:
            gifts.claim_gift(session, claimant=_actor(other.id), claim_token=token, now=utc_now())


def _give(database, keys, member_id, fen):
    try:
        with database.unit_of_work(SYSTEM) as session:
            gift = gifts.send_gift(
                session, sender=_actor(member_id), amount_fen=fen, message="", cover="",
                card_id=None, keys=keys, now=utc_now(),
            )  # fmt: skip
            return keys.gift_token(gift.gift_no)
    except gifts.GiftBalanceShort:
        return None


def _value(session, *member_ids):
    """Every lot with something on it, by program: what must be there before and after."""
    rows = session.execute(
        select(CardProgram.id, Lot.kind, Lot.remaining_fen, Lot.expires_at, Lot.gifts_left)
        .join(Card, Card.program_id == CardProgram.id)
        .join(Lot, Lot.card_id == Card.id)
        .where(Card.member_id.in_(member_ids), Lot.remaining_fen > 0)
    )
    return Counter(tuple(row) for row in rows)


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # Every example commits: shrinking takes minutes.
    suppress_health_check=list(HealthCheck),
)
@given(one=_person, other=_person)
def test_whatever_both_had_is_there_afterwards(make, database, keys, products, one, other):
    elder, younger = make.member(), _in_official_account(make, database)
    _live(make, database, keys, elder, younger, one, products)
    _live(make, database, keys, younger, elder, other, products)
    with database.unit_of_work(SYSTEM) as session:
        before = _value(session, elder.id, younger.id)
        waiting = session.scalar(
            select(func.coalesce(func.sum(Gift.amount_fen), 0)).where(
                Gift.sender_id.in_([elder.id, younger.id]), Gift.ended_at.is_(None)
            )
        )
        entries = session.scalar(select(func.max(Posting.entry_id))) or 0
    with database.unit_of_work(SYSTEM) as session:
        kept = merge_members(
            session, member_id=younger.id, other_id=elder.id, how="unionid", now=utc_now()
        )
        assert kept.id == elder.id
    with database.unit_of_work(SYSTEM) as session:
        assert _value(session, elder.id) == before
        assert _value(session, younger.id) == Counter()
        accounts = session.scalars(
            select(Posting.account).where(Posting.entry_id > entries).distinct()
        ).all()
        assert set(accounts) <= {"card"}, "only cards were touched"
        living = session.execute(
            select(Card.program_id, func.count(Card.id))
            .where(Card.member_id == elder.id, Card.status.not_in(cards.ENDED))
            .group_by(Card.program_id)
        )
        assert all(count == 1 for _, count in living)
    _all_gifts_come_back(database, elder, sum(_fen(line) for line in before.elements()), waiting)


def _fen(line):
    return line[2]


def _all_gifts_come_back(database, elder, before_fen, waiting):
    """Value that was on its way while the accounts were joined finds the one that is left."""
    with database.unit_of_work(SYSTEM) as session:
        open_gifts = session.scalars(
            select(Gift.id).where(Gift.sender_id == elder.id, Gift.ended_at.is_(None))
        ).all()
        for gift_id in open_gifts:
            gifts.revoke_gift(session, gift_id=gift_id, sender=_actor(elder.id), now=utc_now())
    with database.unit_of_work(SYSTEM) as session:
        held = session.scalar(select(func.sum(Card.balance_fen)).where(Card.member_id == elder.id))
        assert (held or 0) == before_fen + waiting


def test_sessions_and_keys_of_calls_go_on_as_the_elders(make, database):
    elder, younger = make.member(), _in_official_account(make, database)
    make.member_token(younger)
    with database.unit_of_work(SYSTEM) as session:
        session.add(
            IdempotencyRecord(
                caller=f"member:{younger.id}", key="k", request_hash=b"h", http_status=201,
                answer="{}",
            )
        )  # fmt: skip
    with database.unit_of_work(SYSTEM) as session:
        merge_members(session, member_id=elder.id, other_id=younger.id, how="phone", now=utc_now())
    with database.unit_of_work(SYSTEM) as session:
        owners = session.scalars(
            select(AccessToken.member_id).where(AccessToken.member_id.in_([elder.id, younger.id]))
        ).all()
        assert owners == [elder.id]
        assert session.get(IdempotencyRecord, (f"member:{elder.id}", "k")) is not None
        gone = session.get_one(Member, younger.id)
        assert (gone.status, gone.merged_into_id) == (MemberStatus.erased, elder.id)


def test_two_people_of_one_app_stay_two(make, database, keys):
    """A number that changed hands must not hand over the cards of whoever had it before."""
    first, second = make.member(phone=(phone := make.phone())), make.member()
    with pytest.raises(PhoneTaken) as refusal, database.unit_of_work(SYSTEM) as session:
        members.bind_phone(session, member_id=second.id, phone=phone, keys=keys)
    assert refusal.value.extra == {"can_join": False}
    with pytest.raises(MembersNotJoined), database.unit_of_work(SYSTEM) as session:
        members.bind_phone(
            session, member_id=second.id, phone=phone, keys=keys, join=True, now=utc_now()
        )
    assert first.id != second.id


@pytest.mark.parametrize("state", [CardStatus.frozen, CardStatus.lost])
def test_a_frozen_or_lost_card_does_not_melt_into_another(make, database, products, state):
    elder, younger = make.member(), _in_official_account(make, database)
    stopped = make.card(elder, products[0], principal_fen=10_00)
    make.card(younger, products[0], principal_fen=20_00)
    with database.unit_of_work(SYSTEM) as session:
        stop = cards.freeze_card if state is CardStatus.frozen else cards.report_lost
        stop(session, card_id=stopped.id, reason="found on the floor", actor=SYSTEM)
    with pytest.raises(MembersNotJoined), database.unit_of_work(SYSTEM) as session:
        merge_members(session, member_id=elder.id, other_id=younger.id, how="phone", now=utc_now())
    with database.unit_of_work(SYSTEM) as session:
        assert session.get_one(Member, younger.id).status is MemberStatus.active


def test_what_arrives_late_follows(make, database, products):
    """A top-up that was under way opens a card of the account that is gone."""
    elder, younger = make.member(), _in_official_account(make, database)
    make.card(elder, products[0], principal_fen=10_00)
    with database.unit_of_work(SYSTEM) as session:
        merge_members(session, member_id=elder.id, other_id=younger.id, how="phone", now=utc_now())
    with database.unit_of_work(SYSTEM) as session:  # What other tests have left.
        while follow_merges(session, now=utc_now()):
            pass
    make.card(younger, products[0], principal_fen=30_00)
    with database.unit_of_work(SYSTEM) as session:
        assert follow_merges(session, now=utc_now()) == 1
    with database.unit_of_work(SYSTEM) as session:
        assert follow_merges(session, now=utc_now()) == 0
        held = session.scalar(select(func.sum(Card.balance_fen)).where(Card.member_id == elder.id))
        assert held == 40_00


def test_one_unionid_joins_at_the_next_sign_in(make, database):
    """The official account was bound to the open platform after both accounts had begun."""
    elder, younger = make.member(), _in_official_account(make, database)
    with database.unit_of_work(SYSTEM) as session:
        openids = {
            row.member_id: (row.appid, row.openid)
            for row in session.scalars(
                select(MemberIdentity).where(MemberIdentity.member_id.in_([elder.id, younger.id]))
            )
        }
    for member in (younger, elder):
        appid, openid = openids[member.id]
        with database.unit_of_work(SYSTEM) as session:
            found = members.find_or_create_member(
                session, appid=appid, identity=WeChatIdentity(openid=openid, unionid="u-same"),
                now=utc_now() + timedelta(seconds=1),
            )  # fmt: skip
            last = found.id
    assert last == elder.id
    with database.unit_of_work(SYSTEM) as session:
        owners = session.scalars(
            select(MemberIdentity.member_id).where(MemberIdentity.unionid == "u-same")
        ).all()
        assert owners == [elder.id, elder.id]
