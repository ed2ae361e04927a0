"""The desks of members, programs and oversight, as browsers of different people use them."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from app.core.actor import SYSTEM, Role
from app.models.cards import Card, CardProgram, CardStatus, ProgramAcceptance, ProgramStatus
from app.models.decisions import AdjustmentStatus, CardAdjustment
from app.models.people import Member, MemberStatus
from app.models.sales import TopUpChannel
from app.models.settings import Setting
from app.models.tenants import Terminal, TerminalStatus
from app.services.stored_value.programs import allow_own_programs
from app.views import roles
from tests.views.desks.sending import loaded, send
from tests.views.test_records import ENGLISH, words_of


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
