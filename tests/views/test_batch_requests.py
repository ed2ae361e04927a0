"""Merchants' own batches: requested where the operator allows it, approved by the operator."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.models.cards import Bearer
from app.models.plumbing import AuditRecord
from app.models.tenants import Merchant
from app.models.vouchers import BatchAcceptance, BatchStatus, VoucherBatch
from app.services.vouchers.batch_requests import allow_own_batches

NEW = "/console/voucher-requests/new"
ALLOW = "/console/voucher-requests/merchants"
_HIDDEN = re.compile(r'name="(request_key)"[^>]* value="([^"]*)"')


@pytest.fixture
def merchant(make, database):
    store = make.store()
    make.store(read_merchant(database, store.merchant_id))
    return read_merchant(database, store.merchant_id)


@pytest.fixture
def owner(make, signed_in, merchant):
    return signed_in(make.staff(Role.merchant_admin, merchant=merchant))


@pytest.fixture
def platform(make, signed_in):
    return signed_in(make.staff(Role.platform_admin))


@pytest.fixture
def allowed(database, merchant):
    with database.unit_of_work(SYSTEM) as session:
        allow_own_batches(session, merchant_id=merchant.id, allowed=True, actor=SYSTEM)


def read_merchant(database, pk):
    with database.unit_of_work(SYSTEM) as session:
        return session.get_one(Merchant, pk)


def read_batch(database, pk):
    with database.unit_of_work(SYSTEM) as session:
        batch = session.get_one(VoucherBatch, pk)
        accepted = session.scalars(
            select(BatchAcceptance)
            .where(BatchAcceptance.batch_id == pk)
            .order_by(BatchAcceptance.id)
        ).all()
        return batch, [(one.merchant_id, one.store_id) for one in accepted]


def terms(**changed):
    return {
        "name": "周年礼券", "kind": "payment", "program_id": "", "quantity": "30",
        "face_value_fen": "100", "sale_price_fen": "95", "expires_on": "",
        "days_from_activation": "1100", "title": "礼券", "support_phone": "", "colour": "",
        "terms": "", **changed,
    }  # fmt: skip


def ask(browser, **changed):
    hidden = dict(_HIDDEN.findall(browser.get(NEW).text))
    return browser.post(NEW, {**hidden, **terms(**changed)})


def test_nobody_requests_before_the_platform_allows_it(owner, database, merchant):
    assert NEW not in owner.get("/console/voucher-batches/list/").text
    refused = ask(owner)
    assert refused.status_code == 422
    assert "平台尚未允许该商户申请制券" in refused.text
    assert "周年礼券" in refused.text
    with database.unit_of_work(SYSTEM) as session:
        mine = select(VoucherBatch.id).where(VoucherBatch.merchant_id == merchant.id)
        assert session.scalars(mine).all() == []


def test_the_platform_says_who_may_request(platform, owner, database, merchant):
    with database.unit_of_work(SYSTEM) as session:
        known = session.scalars(select(Merchant.id).where(Merchant.own_batches)).all()
    hidden = dict(_HIDDEN.findall(platform.get(ALLOW).text))
    ticked = {**hidden, "allowed": [str(pk) for pk in (*known, merchant.id)]}
    assert platform.post(ALLOW, ticked).status_code == 302
    assert read_merchant(database, merchant.id).own_batches
    assert NEW in owner.get("/console/voucher-batches/list/").text
    assert owner.get(ALLOW).status_code == 403
    with database.unit_of_work(SYSTEM) as session:
        told = session.scalars(
            select(AuditRecord).where(
                AuditRecord.action == "merchant.own_batches",
                AuditRecord.subject_id == merchant.id,
            )
        ).all()
    assert [record.detail for record in told] == [{"allowed": True}]


def test_a_request_is_the_merchants_own_and_the_platform_approves_it(
    allowed, owner, platform, make, signed_in, database, merchant
):
    answer = ask(owner)
    assert answer.status_code == 302, answer.text
    pk = int(answer.location.rsplit("/", 1)[1])
    batch, accepted = read_batch(database, pk)
    assert (batch.status, batch.merchant_id) == (BatchStatus.draft, merchant.id)
    assert batch.bearer is Bearer.issuer
    assert accepted == [(merchant.id, None)]
    assert "平台" in owner.get(answer.location).text
    approve = f"/console/voucher-batches/approve/{pk}"
    assert owner.get(approve).status_code == 403
    assert owner.post(approve, form=NEW).status_code == 403
    stranger = signed_in(make.staff(Role.merchant_admin, merchant=make.merchant()))
    cancel = f"/console/voucher-batches/cancel/{pk}"
    assert stranger.get(cancel).status_code == 404
    assert stranger.post(cancel, {"reason": "x"}, form=NEW).status_code == 404
    assert merchant.name in platform.get(approve).text
    assert platform.post(approve).status_code == 302
    batch, _ = read_batch(database, pk)
    assert batch.status is BatchStatus.approved
    assert owner.post(cancel, {"reason": "x"}).status_code == 422  # Too late to take it back.


def test_a_merchant_takes_its_request_back_and_no_draft_of_the_platform(
    allowed, owner, platform, database, merchant
):
    pk = int(ask(owner).location.rsplit("/", 1)[1])
    done = owner.post(f"/console/voucher-batches/cancel/{pk}", {"reason": "填错了"})
    assert done.status_code == 302
    assert read_batch(database, pk)[0].status is BatchStatus.cancelled
    path = "/console/voucher-batches/new"
    hidden = dict(_HIDDEN.findall(platform.get(path).text))
    drafted = platform.post(
        path, {**hidden, **terms(issuer_id=str(merchant.id), bearer="platform")}
    )
    theirs = int(drafted.location.rsplit("/", 1)[1])
    refused = owner.post(f"/console/voucher-batches/cancel/{theirs}", {"reason": "x"})
    assert refused.status_code == 422
    assert read_batch(database, theirs)[0].status is BatchStatus.draft


def test_stores_are_ticked_one_by_one_and_only_ones_own(
    allowed, owner, platform, make, database, merchant
):
    other = make.store()
    refused = ask(owner, accepted_by=f"s{other.id}")
    assert refused.status_code == 422
    assert 'id="accepted_by-wrong"' in refused.text
    assert f'value="s{other.id}"' not in refused.text
    first, second = (make.store(merchant) for _ in range(2))
    pk = int(ask(owner, accepted_by=[f"s{first.id}", f"s{second.id}"]).location.rsplit("/", 1)[1])
    assert read_batch(database, pk)[1] == [(merchant.id, first.id), (merchant.id, second.id)]
    path = "/console/voucher-batches/new"
    hidden = dict(_HIDDEN.findall(platform.get(path).text))
    ticked = [f"m{merchant.id}", f"s{first.id}", f"s{other.id}"]
    fields = terms(issuer_id=str(merchant.id), bearer="platform", accepted_by=ticked)
    drafted = platform.post(path, {**hidden, **fields})
    accepted = read_batch(database, int(drafted.location.rsplit("/", 1)[1]))[1]
    assert accepted == [(merchant.id, None), (other.merchant_id, other.id)]
