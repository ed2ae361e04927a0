"""Settings, programs, members, terminals, jobs: what the operator changes, and what that does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.core import business_settings
from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.business_settings import GIFT_HOURS, SETTINGS, UNCLAIMED_DAYS
from app.core.clock import utc_now
from app.models.cards import BonusTier, CardProgram, ProgramStatus
from app.models.people import Member, MemberStatus
from app.models.plumbing import AuditRecord, JobFailure
from app.models.sales import TopUp
from app.models.tenants import Terminal, TerminalStatus
from app.queries import jobs
from app.services import job_oversight
from app.services.business_settings import (
    SettingChangedMeanwhile,
    SettingOutOfBounds,
    change_setting,
    read_setting,
)
from app.services.people.members import MemberStateConflict, issue_payment_code, set_member_status
from app.services.refusals import MemberFrozen, MemberNotFound, ProgramNotFound
from app.services.sales import top_ups
from app.services.stored_value import programs
from app.services.stored_value.gifts import send_gift
from app.services.stored_value.program_warnings import warnings_of_acceptance, warnings_of_terms
from app.services.stored_value.programs import ProgramRules
from app.services.tills import terminals


def _audited(session, action):
    return session.scalars(
        select(AuditRecord).where(AuditRecord.action == action).order_by(AuditRecord.id.desc())
    ).first()


def _change(session, setting, value, before=None):
    return change_setting(
        session,
        setting,
        before=setting.default if before is None else before,
        value=value,
        actor=SYSTEM,
        now=utc_now(),
    )


def test_a_setting_holds_from_its_change_on_and_the_audit_log_has_both(session):
    assert read_setting(session, GIFT_HOURS) == GIFT_HOURS.default
    assert _change(session, GIFT_HOURS, 48)
    assert read_setting(session, GIFT_HOURS) == 48
    session.flush()
    assert _audited(session, "setting.changed").detail == {
        "name": "gift.hours",
        "before": 24,
        "after": 48,
    }
    assert not _change(session, GIFT_HOURS, 48)  # Sent twice.
    with pytest.raises(SettingChangedMeanwhile):
        _change(session, GIFT_HOURS, 12)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_is_declared_within_its_bounds_and_refuses_what_is_outside(session, setting):
    assert setting.least <= setting.default <= setting.most
    for value in (setting.least - 1, setting.most + 1):
        with pytest.raises(SettingOutOfBounds):
            _change(session, setting, value)


def test_every_setting_is_read_by_something():
    """A setting that nobody reads must not exist."""
    sources = [
        path.read_text()
        for path in Path("app").rglob("*.py")
        if path != Path("app/core/business_settings.py")
    ]
    names = [name for name, value in vars(business_settings).items() if value in SETTINGS.values()]
    assert len(names) == len(SETTINGS)
    for name in names:
        assert any(name in source and "read_setting(" in source for source in sources), name


def test_gifts_and_unbound_top_ups_live_as_long_as_the_setting_says(session, make, keys):
    member = make.member()
    program = make.program(issuer=make.merchant())
    make.card(member, program, principal_fen=10_00)
    _change(session, GIFT_HOURS, 2)
    now = utc_now()
    gift = send_gift(
        session,
        sender=Actor(scope=Scope.member, member_id=member.id),
        amount_fen=1_00,
        message="",
        cover="",
        card_id=None,
        keys=keys,
        now=now,
    )
    assert gift.expires_at == now + timedelta(hours=2)
    _change(session, UNCLAIMED_DAYS, 3)
    session.execute(
        text(
            "INSERT INTO top_up (top_up_no, merchant_id, program_id, channel, status, amount_fen,"
            " paid_at) VALUES ('TUNCLAIMED', :issuer, :program, 'wechat', 'paid', 100, :at)"
        ),
        {"at": now - timedelta(days=2), "issuer": program.merchant_id, "program": program.id},
    )
    waiting = select(TopUp.status).where(TopUp.top_up_no == "TUNCLAIMED")
    top_ups.return_unclaimed(session, now=now)
    assert session.scalar(waiting).name == "paid"


def test_a_frozen_member_pays_nothing_until_unfrozen(session, make, keys):
    member = make.member()
    change = {"member_id": member.id, "reason": "a test", "actor": SYSTEM}
    set_member_status(session, status=MemberStatus.frozen, **change)
    with pytest.raises(MemberStateConflict):
        set_member_status(session, status=MemberStatus.frozen, **change)
    with pytest.raises(MemberFrozen):
        issue_payment_code(session, member_id=member.id, keys=keys, now=utc_now())
    set_member_status(session, status=MemberStatus.active, **change)
    assert issue_payment_code(session, member_id=member.id, keys=keys, now=utc_now())
    session.flush()
    assert _audited(session, "member.frozen").member_id == member.id
    with pytest.raises(MemberNotFound):
        set_member_status(session, status=MemberStatus.frozen, **{**change, "member_id": 2**60})
    assert session.get(Member, member.id).status is MemberStatus.active


def _rules(**changed):
    return ProgramRules(**changed)


def test_changing_a_program_keeps_before_and_after(session, make):
    program = make.program(issuer=make.merchant(), tiers={300_00: 60_00})
    programs.update_program(
        session,
        program_id=program.id,
        name="新名字",
        rules=_rules(min_top_up_fen=10_00),
        tiers={100_00: 5_00},
        actor=SYSTEM,
    )
    session.flush()
    detail = _audited(session, "program.changed").detail
    assert detail["tiers"] == {"before": [[300_00, 60_00]], "after": [[100_00, 5_00]]}
    assert detail["min_top_up_fen"] == {"before": 1, "after": 10_00}
    assert "registered_cap_fen" not in detail
    tiers = session.execute(
        select(BonusTier.threshold_fen, BonusTier.bonus_fen).where(
            BonusTier.program_id == program.id
        )
    ).all()
    assert [tuple(tier) for tier in tiers] == [(100_00, 5_00)]


def test_a_programs_caps_obey_the_law(session, make):
    program = make.program(issuer=make.merchant())
    change = {"program_id": program.id, "name": "n", "tiers": {}, "actor": SYSTEM}
    for rules in (_rules(registered_cap_fen=5000_01), _rules(anonymous_cap_fen=1000_01)):
        with pytest.raises(programs.ProgramCapTooHigh):
            programs.update_program(session, rules=rules, **change)


def test_a_merchant_changes_its_own_programs_where_the_platform_allows(session, make):
    merchant, other = make.merchant(), make.merchant()
    theirs = make.program(issuer=other, accepted_by=[merchant, other])
    own = make.program(issuer=merchant)
    me = make.actor(make.staff(Role.merchant_admin, merchant=merchant))
    off = {"status": ProgramStatus.offsale, "actor": me}
    with pytest.raises(programs.OwnProgramsNotAllowed):
        programs.set_program_status(session, program_id=own.id, **off)
    programs.allow_own_programs(session, merchant_id=merchant.id, allowed=True, actor=SYSTEM)
    with pytest.raises(ProgramNotFound):
        programs.set_program_status(session, program_id=theirs.id, **off)
    programs.set_program_status(session, program_id=own.id, **off)
    assert session.get(CardProgram, own.id).status is ProgramStatus.offsale
    assert session.get(CardProgram, theirs.id).status is ProgramStatus.onsale


def test_the_law_is_told_where_it_is_touched():
    assert warnings_of_terms(principal_days=None, anonymous_days=1096) == ()
    assert len(warnings_of_terms(principal_days=2000, anonymous_days=1096)) == 2
    assert len(warnings_of_terms(principal_days=365, anonymous_days=1096)) == 3
    assert warnings_of_acceptance(issuer_id=7, accepted_by=[7]) == ()
    assert len(warnings_of_acceptance(issuer_id=7, accepted_by=[7, 8])) == 1
    assert len(warnings_of_acceptance(issuer_id=1, accepted_by=[7, 8])) == 1


def test_a_terminal_is_revoked_once(session, make):
    store = make.store()
    terminal = Terminal(merchant_id=store.merchant_id, store_id=store.id, name="前台")
    session.add(terminal)
    session.flush()
    revoke = {"terminal_id": terminal.id, "reason": "lost", "actor": SYSTEM}
    first = utc_now()
    terminals.revoke_terminal(session, now=first, **revoke)
    terminals.revoke_terminal(session, now=first + timedelta(hours=1), **revoke)
    session.expire_all()
    assert session.get(Terminal, terminal.id).status is TerminalStatus.revoked
    assert session.get(Terminal, terminal.id).revoked_at == first
    with pytest.raises(terminals.TerminalNotFound):
        terminals.revoke_terminal(session, now=first, **{**revoke, "terminal_id": 2**60})


@pytest.fixture
def job(session):
    """A job that has failed, with what it failed of."""
    job_id = session.scalar(
        text(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, attempts)"
            " VALUES ('default', 'request_refund', '{\"subject_id\": 7}', 'failed', 3)"
            " RETURNING id"
        )
    )
    error = RuntimeError("WeChat said no\nDETAIL: a phone number")
    job_oversight.note_failure(
        session, job_id=job_id, task_name="request_refund", attempt=3, error=error
    )
    session.flush()
    return job_id


def test_a_failed_job_is_seen_with_its_error_and_runs_again_once(session, job):
    seen = jobs.find_job(session, job_id=job)
    assert (seen.task, seen.status, seen.subject) == ("request_refund", "failed", "7")
    assert seen.error == "RuntimeError: WeChat said no"
    again = {"job_id": job, "actor": SYSTEM}
    with pytest.raises(job_oversight.JobStateConflict):
        job_oversight.cancel_job(session, **again)
    assert job_oversight.retry_job(session, now=utc_now(), **again) == "request_refund"
    with pytest.raises(job_oversight.JobStateConflict):
        job_oversight.retry_job(session, now=utc_now(), **again)
    assert jobs.find_job(session, job_id=job).status == "todo"
    session.flush()
    assert _audited(session, "job.retried").subject_id == job


def test_work_by_the_clock_that_waits_already_is_not_put_into_the_queue_twice(session, job):
    session.execute(
        text("UPDATE procrastinate_jobs SET queueing_lock = 'once' WHERE id = :id"), {"id": job}
    )
    session.execute(
        text(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, queueing_lock)"
            " VALUES ('default', 'request_refund', '{}', 'once')"
        )
    )
    with pytest.raises(job_oversight.JobWaitsAlready):
        job_oversight.retry_job(session, job_id=job, actor=SYSTEM, now=utc_now())
    assert jobs.find_job(session, job_id=job).status == "failed"


def test_a_waiting_job_is_cancelled_once(session, job):
    job_oversight.retry_job(session, job_id=job, actor=SYSTEM, now=utc_now())
    job_oversight.cancel_job(session, job_id=job, actor=SYSTEM)
    assert jobs.find_job(session, job_id=job).status == "cancelled"
    with pytest.raises(job_oversight.JobStateConflict):
        job_oversight.cancel_job(session, job_id=job, actor=SYSTEM)
    assert session.scalar(select(JobFailure.attempt).where(JobFailure.job_id == job)) == 3


def test_the_relays_lag_is_the_age_of_the_oldest_message(session):
    session.execute(
        text(
            "INSERT INTO outbox_message (topic, subject_id, created_at)"
            " VALUES ('test', 1, now() - interval '90 seconds')"
        )
    )
    relay = jobs.read_relay(session)
    assert relay.waiting >= 1
    assert relay.lag_seconds >= 89
