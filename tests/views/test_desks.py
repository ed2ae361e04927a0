"""The desks of members, cards, programs and oversight, as browsers of different people use them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import func, select, text

from app.core.actor import SYSTEM, Role
from app.core.clock import local_day, utc_now
from app.models.cards import Card, CardProgram, CardStatus, ProgramAcceptance, ProgramStatus
from app.models.decisions import AdjustmentStatus, CardAdjustment, CardReturn, ReturnStatus
from app.models.ledger import JournalEntry
from app.models.people import Member, MemberStatus
from app.models.sales import TopUpChannel
from app.models.settings import Setting
from app.models.tenants import Terminal, TerminalStatus
from app.services.stored_value.programs import allow_own_programs
from app.views import roles
from tests.views.test_records import ENGLISH, words_of

_FIELD = re.compile(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"')
_HIDDEN = re.compile(r'<input[^>]*name="([^"]+)"[^>]*type="hidden"[^>]*value="([^"]*)"')


@pytest.fixture(scope="module")
def admin(make, signed_in):
    return signed_in(make.staff())


@pytest.fixture(scope="module")
def finance(make, signed_in):
    return signed_in(make.staff(Role.platform_finance))


@pytest.fixture
def merchant(make):
    return make.merchant()


@pytest.fixture
def card(make, merchant):
    return make.card(make.member(), make.program(issuer=merchant), principal_fen=300_00)


@pytest.fixture
def terminal(make, merchant, database):
    store = make.store(merchant)
    with database.unit_of_work(SYSTEM) as work:
        made = Terminal(merchant_id=merchant.id, store_id=store.id, name="前台平板")
        work.add(made)
        work.flush()
        return made.id


@pytest.fixture
def failed_job(database):
    with database.unit_of_work(SYSTEM) as work:
        return work.scalar(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status)"
                " VALUES ('tests', 'clean_up', '{}', 'failed') RETURNING id"
            )
        )


def send(browser, path, **fields):
    """Open a form, fill it in as a browser does, hidden fields included, and send it."""
    page = browser.get(path)
    assert page.status_code == 200, page.text[-500:]
    return browser.client.post(path, data={**hidden_fields(page.text), **fields})


def hidden_fields(page):
    form = page[page.index('<form class="card form"') :]
    return {
        name: unescape(value) for found in (_FIELD, _HIDDEN) for name, value in found.findall(form)
    }


def loaded(database, model, pk):
    with database.unit_of_work(SYSTEM) as work:
        return work.get_one(model, pk)


def test_a_card_is_frozen_lost_and_replaced_with_a_reason_each_time(admin, database, card):
    path = f"/console/cards/{card.id}"
    refused = send(admin, f"{path}/freeze", reason=" ")
    assert refused.status_code == 422
    assert loaded(database, Card, card.id).status is CardStatus.active
    for step, status in (
        ("freeze", CardStatus.frozen),
        ("unfreeze", CardStatus.active),
        ("lose", CardStatus.lost),
    ):
        answer = send(admin, f"{path}/{step}", reason="电话要求")
        assert answer.location == f"/console/cards/show/{card.id}"
        assert loaded(database, Card, card.id).status is status
    again = send(admin, f"{path}/lose", reason="电话要求")
    assert again.status_code == 422
    assert "状态" in again.text
    new = send(admin, f"{path}/replace")
    replaced = loaded(database, Card, card.id)
    assert replaced.status is CardStatus.replaced
    assert new.location == f"/console/cards/show/{replaced.replaced_by_id}"
    assert loaded(database, Card, replaced.replaced_by_id).balance_fen == 300_00
    statement = admin.get(f"/console/cards/{replaced.replaced_by_id}/statement").text
    assert "+300.00" in statement


def test_the_same_form_sent_twice_acts_once(admin, database, card):
    path = f"/console/adjustments/add/{card.id}"
    page = admin.get(path).text
    fields = {
        **hidden_fields(page),
        "direction": "up",
        "amount_fen": "12.50",
        "reason": "补登",
    }
    first, second = (admin.client.post(path, data=fields) for _ in range(2))
    assert first.status_code == second.status_code == 302
    assert first.location == second.location
    with database.unit_of_work(SYSTEM) as work:
        asked = select(func.count()).where(CardAdjustment.card_id == card.id)
        assert work.scalar(asked) == 1


def test_an_adjustment_takes_two_people_and_is_booked_once(admin, finance, database, card):
    asked = send(
        finance,
        f"/console/adjustments/add/{card.id}",
        direction="down",
        amount_fen="100",
        reason="多充",
    )
    pk = int(asked.location.rsplit("/", 1)[1])
    approve = f"/console/adjustments/{pk}/approve"
    own = finance.get(asked.location).text
    assert approve not in own
    assert send(finance, approve).status_code == 422  # Maker and checker are two people.
    assert loaded(database, Card, card.id).balance_fen == 300_00
    assert approve in admin.get(asked.location).text
    assert send(admin, approve).status_code == 302
    assert send(admin, approve).status_code == 422
    request = loaded(database, CardAdjustment, pk)
    assert request.status is AdjustmentStatus.booked
    assert loaded(database, Card, card.id).balance_fen == 200_00
    with database.unit_of_work(SYSTEM) as work:
        entries = select(func.count()).where(
            JournalEntry.reference == f"card-adjustment:{request.adjustment_no}"
        )
        assert work.scalar(entries) == 1


def test_whoever_asked_for_an_adjustment_takes_it_back_and_nobody_else(
    admin, finance, database, card, merchant, make, signed_in
):
    asked = send(
        finance, f"/console/adjustments/add/{card.id}", direction="up", amount_fen="9", reason="误"
    )
    withdraw = f"/console/adjustments/{asked.location.rsplit('/', 1)[1]}/withdraw"
    assert withdraw in finance.get(asked.location).text
    assert withdraw not in admin.get(asked.location).text
    assert "申请人本人" in send(admin, withdraw).text
    assert send(finance, withdraw).location == asked.location
    shown = finance.get(asked.location).text
    assert "申请人已撤回" in shown
    owner = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    assert re.search(r"制单人</dt>\s*<dd[^>]*>\s*平台\s*<", owner.get(asked.location).text)
    assert withdraw not in shown
    assert loaded(database, Card, card.id).balance_fen == 300_00


def test_what_was_typed_is_kept_when_an_adjustment_is_refused(admin, card):
    answer = send(
        admin,
        f"/console/adjustments/add/{card.id}",
        direction="up",
        amount_fen="99999",
        reason="工单一二三",
    )
    assert answer.status_code == 422
    assert 'value="99999"' in answer.text
    assert "工单一二三" in answer.text
    assert "不超过" in answer.text


def _return_fields(**changed):
    return {"reason": "holder", "way": "bank", "note": "不想用了", **changed}


def test_a_return_is_calculated_first_and_carried_out_when_sent_again(admin, database, make, card):
    path = f"/console/card-returns/begin/{card.id}"
    today = local_day(utc_now()).isoformat()
    quoted = send(admin, path, asked_on=today, **_return_fields())
    assert quoted.status_code == 200
    assert "法释〔2025〕4号 第十四条" in quoted.text
    assert loaded(database, Card, card.id).status is CardStatus.active
    agreed = {**hidden_fields(quoted.text), "asked_on": today, **_return_fields()}
    assert agreed["expected_fen"] == "30000"
    first, second = (admin.client.post(path, data=agreed) for _ in range(2))
    assert first.status_code == 302, first.text
    assert first.location == second.location
    assert loaded(database, Card, card.id).status is CardStatus.returned
    shown = admin.get(first.location).text
    assert "冷静期内付款的未消费本金" in shown
    assert "¥300.00" in shown or "300.00" in shown


def test_a_large_return_needs_somebody_else(admin, finance, database, make, merchant):
    card = make.card(make.member(), make.program(issuer=merchant), principal_fen=500_01)
    path = f"/console/card-returns/begin/{card.id}"
    today = local_day(utc_now()).isoformat()
    quoted = send(finance, path, asked_on=today, **_return_fields())
    agreed = {**hidden_fields(quoted.text), "asked_on": today, **_return_fields()}
    waiting = finance.client.post(path, data=agreed).location
    pk = int(waiting.rsplit("/", 1)[1])
    assert loaded(database, CardReturn, pk).status is ReturnStatus.requested
    approve = f"/console/card-returns/{pk}/approve"
    assert send(finance, approve).status_code == 422
    assert send(admin, approve).status_code == 302
    assert send(admin, approve).status_code == 422
    assert loaded(database, CardReturn, pk).status is ReturnStatus.carried_out
    assert loaded(database, Card, card.id).balance_fen == 0


def test_a_return_is_not_paid_at_a_figure_that_nobody_calculated(admin, database, card):
    path = f"/console/card-returns/begin/{card.id}"
    today = local_day(utc_now()).isoformat()
    forged = {"step": "confirmed", "expected_fen": "99999", "asked_on": today}
    answer = send(admin, path, **forged, **_return_fields())
    assert answer.status_code == 422
    assert loaded(database, Card, card.id).status is CardStatus.active


def test_a_member_is_frozen_and_found_by_the_end_of_the_phone(admin, database, make):
    member = make.member(phone="13712348765", nickname="小赵")
    for typed in ("8765", "137****8765", "13712348765", "小赵"):
        listed = admin.get("/console/members/list/", query_string={"q": typed}).text
        assert f"/console/members/show/{member.id}" in listed, typed
    path = f"/console/members/{member.id}"
    send(admin, f"{path}/freeze", reason="投诉")
    assert loaded(database, Member, member.id).status is MemberStatus.frozen
    send(admin, f"{path}/unfreeze", reason="查清")
    assert loaded(database, Member, member.id).status is MemberStatus.active


def test_a_members_page_and_statement_tell_what_happened(admin, make, merchant):
    member, store = make.member(), make.store(merchant)
    program = make.program(issuer=merchant)
    make.card(
        member, program, principal_fen=50_00, bonus_fen=5_00, channel=TopUpChannel.cash, store=store
    )
    make.card(member, program, principal_fen=20_00)
    page = admin.get(f"/console/members/show/{member.id}").text
    for part in ("储值卡", "未用完的资金批次", "充值", "消费", "赠送"):
        assert part in page
    statement = admin.get(f"/console/members/{member.id}/statement").text
    assert "¥75.00" in statement
    assert statement.index("+20.00") < statement.index("+55.00")  # The newest first.
    assert admin.get(f"/console/members/{member.id}/statement?before=1").status_code == 200


PROGRAM = {
    "name": "会员卡", "code": "vip", "min_top_up_fen": "50", "registered_cap_fen": "5000",
    "anonymous_cap_fen": "1000", "bonus_bearer": "issuer", "spend_first": "principal",
    "threshold1_fen": "300", "bonus1_fen": "60", "principal_days": "", "bonus_days": "365",
}  # fmt: skip


def test_the_platform_makes_and_changes_programs(admin, database, merchant, make):
    path = "/console/card-programs/add"
    assert send(admin, path, issuer_id=str(merchant.id), **PROGRAM).status_code == 422
    assert send(admin, "/console/card-programs/issuers", allowed=[str(merchant.id)]).status_code
    made = send(admin, path, issuer_id=str(merchant.id), **PROGRAM)
    assert made.status_code == 302, made.text
    pk = int(made.location.rsplit("/", 1)[1])
    edit = f"/console/card-programs/{pk}/edit"
    assert 'value="60.00"' in admin.get(edit).text
    too_high = send(admin, edit, **{**PROGRAM, "registered_cap_fen": "5000.01"})
    assert too_high.status_code == 422
    assert "国办发〔2011〕25号" in too_high.text
    half = send(admin, edit, **{**PROGRAM, "bonus1_fen": ""})
    assert half.status_code == 422
    assert "要么都填" in half.text
    assert send(admin, edit, **{**PROGRAM, "principal_days": "365"}).status_code == 302
    shown = admin.get(f"/console/card-programs/show/{pk}").text
    assert "记名卡不得设有效期" in shown
    other = make.merchant()
    accept = f"/console/card-programs/{pk}/accept"
    assert "支付业务许可证" in admin.get(accept).text
    answer = send(admin, accept, accepted_by=[str(merchant.id), str(other.id)])
    assert answer.status_code == 302
    assert "支付业务许可证" in admin.get(answer.location).text
    with database.unit_of_work(SYSTEM) as work:
        accepted = select(ProgramAcceptance.merchant_id).where(ProgramAcceptance.program_id == pk)
        assert set(work.scalars(accepted)) == {merchant.id, other.id}
    send(admin, f"/console/card-programs/{pk}/offsale")
    assert loaded(database, CardProgram, pk).status is ProgramStatus.offsale


def test_a_merchant_issues_only_where_allowed_and_only_its_own(database, make, signed_in, merchant):
    mine = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    theirs = make.program(issuer=make.merchant(), accepted_by=[merchant])
    fields = {**PROGRAM, "issuer_id": str(merchant.id)}
    refused = send(mine, "/console/card-programs/add", **fields)
    assert refused.status_code == 422
    assert "联系平台" in refused.text
    with database.unit_of_work(SYSTEM) as work:
        allow_own_programs(work, merchant_id=merchant.id, allowed=True, actor=SYSTEM)
    assert send(mine, "/console/card-programs/add", **fields).status_code == 302
    for issuer in (1, theirs.merchant_id):
        foreign = {**fields, "issuer_id": str(issuer), "code": "x"}
        assert send(mine, "/console/card-programs/add", **foreign).status_code == 422
    assert mine.get(f"/console/card-programs/show/{theirs.id}").status_code == 200
    for step in ("edit", "offsale"):
        path = f"/console/card-programs/{theirs.id}/{step}"
        assert mine.get(path).status_code == 404
        assert mine.post(path, form="/console/password/").status_code == 404


def test_a_setting_is_changed_within_its_bounds(admin, database):
    page = admin.get("/console/settings/").text
    assert "法释〔2025〕4号" in page
    pk = 10  # The time to claim a gift.
    path = f"/console/settings/{pk}/change"
    assert send(admin, path, value="0").status_code == 422
    assert send(admin, path, value="48").status_code == 302
    try:
        assert loaded(database, Setting, "gift.hours").value == 48
        stale = send(admin, path, value="36", before="24")
        assert stale.status_code == 422
    finally:
        assert send(admin, path, value="24").status_code == 302
    log = admin.get("/console/audit/list/?q=setting").text
    assert "修改业务设置" in log


def test_a_failed_job_is_run_again_and_a_waiting_one_cancelled(admin, database, failed_job):
    page = admin.get("/console/jobs/?status=failed").text
    assert f"/console/jobs/{failed_job}/retry" in page
    assert send(admin, f"/console/jobs/{failed_job}/retry").status_code == 302
    assert send(admin, f"/console/jobs/{failed_job}/retry").status_code == 422
    assert send(admin, f"/console/jobs/{failed_job}/cancel").status_code == 302
    with database.unit_of_work(SYSTEM) as work:
        state = text("SELECT status::text FROM procrastinate_jobs WHERE id = :id")
        assert work.scalar(state, {"id": failed_job}) == "cancelled"


def test_a_terminal_is_revoked_by_its_own_people_only(
    database, make, signed_in, merchant, terminal
):
    stranger = signed_in(make.staff(Role.merchant_admin, merchant=make.merchant()))
    path = f"/console/terminals/{terminal}/revoke"
    assert stranger.get(path).status_code == 404
    assert stranger.post(path, {"reason": "x"}, form="/console/password/").status_code == 404
    assert loaded(database, Terminal, terminal).status is TerminalStatus.enrolled
    own = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    assert send(own, path, reason="丢失").status_code == 302
    assert loaded(database, Terminal, terminal).status is TerminalStatus.revoked


@pytest.mark.parametrize(
    "role", [Role.merchant_admin, Role.merchant_finance, Role.store_manager, Role.auditor]
)
def test_nobody_else_does_anything_here_with_foreign_ids(
    app, database, make, signed_in, admin, card, terminal, failed_job, role
):
    """Every route of the desks, with records of another tenant, by GET and by POST."""
    asked = send(
        admin,
        f"/console/adjustments/add/{card.id}",
        direction="up",
        amount_fen="1",
        reason="x",
    )
    ids = {
        "CardDesk": card.id,
        "MemberDesk": card.member_id,
        "AdjustmentDesk": int(asked.location.rsplit("/", 1)[1]),
        "ProgramDesk": card.program_id,
        "TerminalDesk": terminal,
        "JobMonitor": failed_job,
        "SettingsPage": 1,
    }
    if role is Role.auditor:
        person = make.staff(role)
    elif role is Role.store_manager:
        person = make.staff(role, make.store())
    else:
        person = make.staff(role, merchant=make.merchant())
    browser = signed_in(person)
    tried = 0
    for rule in app.url_map.iter_rules():
        view, _, method = rule.endpoint.partition(".")
        if view not in ids or "pk" not in rule.arguments:
            continue
        pk = card.id if rule.endpoint == "AdjustmentDesk.add" else ids[view]
        _, path = rule.build({"pk": pk})
        if role is Role.auditor and roles.allows(role, f"can_{method}", view):
            continue  # Reads everything, changes nothing.
        assert browser.get(path).status_code in {403, 404}, path
        if "POST" in rule.methods:
            fields = {"reason": "x", "note": "x"}
            answer = browser.post(path, fields, form="/console/password/")
            assert answer.status_code in {403, 404}, path
            tried += 1
    assert tried >= 15
    assert loaded(database, Card, card.id).status is CardStatus.active
    assert loaded(database, CardAdjustment, ids["AdjustmentDesk"]).status is (
        AdjustmentStatus.requested
    )


def test_the_new_pages_are_all_chinese(admin, card, failed_job, terminal):
    paths = [
        f"/console/cards/show/{card.id}",
        *(f"/console/cards/{card.id}/{step}" for step in ("statement", "freeze", "lose")),
        f"/console/members/show/{card.member_id}",
        f"/console/members/{card.member_id}/statement",
        f"/console/members/{card.member_id}/freeze",
        f"/console/adjustments/add/{card.id}",
        f"/console/card-returns/begin/{card.id}",
        f"/console/card-programs/show/{card.program_id}",
        f"/console/card-programs/{card.program_id}/edit",
        f"/console/card-programs/{card.program_id}/accept",
        "/console/card-programs/add",
        "/console/card-programs/issuers",
        "/console/settings/",
        *(f"/console/settings/{n}/change" for n in range(1, 14)),
        "/console/jobs/",
        f"/console/jobs/{failed_job}/retry",
        f"/console/terminals/{terminal}/revoke",
    ]
    for path in paths:
        answer = admin.get(path)
        assert answer.status_code == 200, path
        left = set(ENGLISH.findall(words_of(answer.text))) - {"LPR", "tests"}
        assert not left, (path, left)
