"""Card programs: who issues, who accepts, what a top-up earns, when value ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core.actor import Actor, Scope
from app.core.business_settings import ANONYMOUS_CAP_FEN, REGISTERED_CAP_FEN
from app.core.errors import N_, Category, DomainError
from app.core.money import yuan
from app.models.base import OPERATOR_ID
from app.models.cards import (
    Bearer,
    BonusTier,
    CardProgram,
    LotKind,
    ProgramAcceptance,
    ProgramStatus,
)
from app.models.tenants import Merchant
from app.services import journal
from app.services.business_settings import read_setting
from app.services.refusals import ProgramNotFound
from app.services.tenants.merchants import MerchantNotFound


class ProgramCodeTaken(DomainError):
    code = "program_code_taken"
    category = Category.CONFLICT
    template = N_(
        "This issuer has a card product with this code already. Please choose another code."
    )


class ProgramRulesInvalid(DomainError):
    code = "program_rules_invalid"
    category = Category.INVALID
    template = N_("Caps, the smallest top-up, tiers and days must be more than nothing.")


class ProgramCapTooHigh(DomainError):
    code = "program_cap_too_high"
    category = Category.INVALID
    template = N_(
        "A registered card holds at most %(registered_yuan)s yuan, an anonymous one"
        " %(anonymous_yuan)s yuan (国办发〔2011〕25号)."
    )


class OwnProgramsNotAllowed(DomainError):
    code = "own_programs_not_allowed"
    category = Category.FORBIDDEN
    template = N_(
        "The operator has not allowed this merchant to issue cards of its own. Please ask it to."
    )


class DefaultProgramTaken(DomainError):
    code = "default_program_taken"
    category = Category.CONFLICT
    template = N_("There is a group-wide card product already. Only one can be the default.")


@dataclass(frozen=True, kw_only=True)
class ProgramRules:
    """What holds for the cards of a program. Caps in fen per card; empty days: no end."""

    registered_cap_fen: int = 500_000
    anonymous_cap_fen: int = 100_000
    min_top_up_fen: int = 1
    spend_first: LotKind = LotKind.principal
    principal_days: int | None = None
    bonus_days: int | None = None
    bonus_bearer: Bearer = Bearer.issuer


def create_program(
    session: Session,
    *,
    issuer_id: int,
    code: str,
    name: str,
    accepted_by: Collection[int],
    tiers: Mapping[int, int],
    rules: ProgramRules,
    actor: Actor,
    is_default: bool = False,
) -> CardProgram:
    """Put a card program on sale.

    What the operator issues, the operator bears: there is no merchant to charge.

    Args:
        accepted_by: The merchants at whose stores the cards are good.
        tiers: The bonus in fen for each threshold in fen (充300送60 is ``{300_00: 60_00}``).

    Raises:
        ProgramCodeTaken, ProgramRulesInvalid, ProgramCapTooHigh, DefaultProgramTaken
    """
    _require_rules(session, rules, tiers)
    _require_new(session, issuer_id, code, is_default)
    program = CardProgram(
        merchant_id=issuer_id,
        code=code,
        name=name,
        is_default=is_default,
        registered_cap_fen=rules.registered_cap_fen,
        anonymous_cap_fen=rules.anonymous_cap_fen,
        min_top_up_fen=rules.min_top_up_fen,
        spend_first=rules.spend_first,
        principal_days=rules.principal_days,
        bonus_days=rules.bonus_days,
        bonus_bearer=Bearer.platform if issuer_id == OPERATOR_ID else rules.bonus_bearer,
    )
    session.add(program)
    session.flush()
    _write_tiers(session, program, tiers)
    set_acceptance(session, program_id=program.id, accepted_by=accepted_by, actor=actor)
    journal.audit(
        session, "program.created", actor=actor, subject_id=program.id, merchant_id=issuer_id
    )
    return program


def update_program(
    session: Session,
    *,
    program_id: int,
    name: str,
    rules: ProgramRules,
    tiers: Mapping[int, int],
    actor: Actor,
) -> CardProgram:
    """Change a program's name and rules, for top-ups from now on: value on cards keeps its terms.

    Raises:
        ProgramNotFound: Also for a merchant's staff when another one issues it.
        OwnProgramsNotAllowed, ProgramRulesInvalid, ProgramCapTooHigh
    """
    _require_rules(session, rules, tiers)
    program = _lock(session, program_id)
    _require_issuer(session, program, actor)
    before = _described(session, program)
    program.name = name
    for rule, value in vars(rules).items():
        setattr(program, rule, value)
    if program.merchant_id == OPERATOR_ID:
        program.bonus_bearer = Bearer.platform
    session.execute(delete(BonusTier).where(BonusTier.program_id == program_id))
    _write_tiers(session, program, tiers)
    session.flush()
    after = _described(session, program)
    journal.audit(
        session,
        "program.changed",
        actor=actor,
        subject_id=program_id,
        merchant_id=program.merchant_id,
        detail={
            key: {"before": before[key], "after": after[key]}
            for key in after
            if before[key] != after[key]
        },
    )
    return program


def allow_own_programs(
    session: Session, *, merchant_id: int, allowed: bool, actor: Actor
) -> Merchant:
    """Let a merchant issue card programs of its own, or no more; what is out stays good."""
    merchant = session.get(Merchant, merchant_id, with_for_update={"key_share": True})
    if merchant is None or merchant_id == OPERATOR_ID:
        raise MerchantNotFound
    merchant.own_programs = allowed
    session.flush()
    journal.audit(
        session,
        "merchant.own_programs",
        actor=actor,
        subject_id=merchant_id,
        merchant_id=merchant_id,
        detail={"allowed": allowed},
    )
    return merchant


def require_own_programs(session: Session, *, merchant_id: int) -> None:
    """Refuse a merchant that the operator has not allowed to issue cards.

    Raises:
        OwnProgramsNotAllowed
    """
    if not session.scalar(select(Merchant.own_programs).where(Merchant.id == merchant_id)):
        raise OwnProgramsNotAllowed


def set_acceptance(
    session: Session, *, program_id: int, accepted_by: Collection[int], actor: Actor
) -> None:
    """Say at which merchants a program's cards are good from now on.

    Value that is good at several unrelated merchants needs a licence; a program of several
    merchants is meant for one group or brand. The console says so; the operator decides.
    """
    program = _lock(session, program_id)
    session.execute(
        delete(ProgramAcceptance).where(
            ProgramAcceptance.program_id == program_id,
            ProgramAcceptance.merchant_id.not_in(accepted_by),
        )
    )
    known = set(
        session.scalars(
            select(ProgramAcceptance.merchant_id).where(ProgramAcceptance.program_id == program_id)
        )
    )
    session.add_all(
        ProgramAcceptance(program_id=program_id, merchant_id=merchant_id)
        for merchant_id in sorted(set(accepted_by) - known)
    )
    session.flush()
    journal.audit(
        session,
        "program.acceptance",
        actor=actor,
        subject_id=program_id,
        merchant_id=program.merchant_id,
        detail={"accepted_by": sorted(accepted_by)},
    )


def set_program_status(
    session: Session, *, program_id: int, status: ProgramStatus, actor: Actor
) -> CardProgram:
    """Take a program off sale or put it back; cards that are out stay good.

    Raises:
        ProgramNotFound: Also for a merchant's staff when another one issues it.
        OwnProgramsNotAllowed
    """
    program = _lock(session, program_id)
    _require_issuer(session, program, actor)
    program.status = status
    journal.audit(
        session,
        f"program.{status.name}",
        actor=actor,
        subject_id=program_id,
        merchant_id=program.merchant_id,
    )
    return program


def _lock(session: Session, program_id: int) -> CardProgram:
    program = session.get(CardProgram, program_id, with_for_update={"key_share": True})
    if program is None:
        raise ProgramNotFound
    return program


def _require_issuer(session: Session, program: CardProgram, actor: Actor) -> None:
    """A merchant's staff have a say in what the merchant issues, as far as the operator allows."""
    if actor.scope in {Scope.platform, Scope.system}:
        return
    if program.merchant_id != actor.merchant_id:
        raise ProgramNotFound
    require_own_programs(session, merchant_id=program.merchant_id)


def _write_tiers(session: Session, program: CardProgram, tiers: Mapping[int, int]) -> None:
    session.add_all(
        BonusTier(
            merchant_id=program.merchant_id,
            program_id=program.id,
            threshold_fen=floor,
            bonus_fen=bonus,
        )
        for floor, bonus in tiers.items()
    )


def _described(session: Session, program: CardProgram) -> dict[str, object]:
    """A program's terms as the audit log keeps them."""
    tiers = session.execute(
        select(BonusTier.threshold_fen, BonusTier.bonus_fen)
        .where(BonusTier.program_id == program.id)
        .order_by(BonusTier.threshold_fen)
    )
    return {
        "name": program.name,
        "registered_cap_fen": program.registered_cap_fen,
        "anonymous_cap_fen": program.anonymous_cap_fen,
        "min_top_up_fen": program.min_top_up_fen,
        "spend_first": program.spend_first.name,
        "bonus_bearer": program.bonus_bearer.name,
        "principal_days": program.principal_days,
        "bonus_days": program.bonus_days,
        "tiers": [[threshold_fen, bonus_fen] for threshold_fen, bonus_fen in tiers],
    }


def _require_rules(session: Session, rules: ProgramRules, tiers: Mapping[int, int]) -> None:
    amounts = [rules.registered_cap_fen, rules.anonymous_cap_fen, rules.min_top_up_fen]
    days = [days for days in (rules.principal_days, rules.bonus_days) if days is not None]
    if min([*amounts, *days, *tiers.keys(), *tiers.values()]) <= 0:
        raise ProgramRulesInvalid
    registered_fen = read_setting(session, REGISTERED_CAP_FEN)
    anonymous_fen = read_setting(session, ANONYMOUS_CAP_FEN)
    if rules.registered_cap_fen > registered_fen or rules.anonymous_cap_fen > anonymous_fen:
        raise ProgramCapTooHigh(
            registered_yuan=yuan(registered_fen), anonymous_yuan=yuan(anonymous_fen)
        )


def _require_new(session: Session, issuer_id: int, code: str, is_default: bool) -> None:  # noqa: FBT001
    taken = select(CardProgram.id).where(
        CardProgram.merchant_id == issuer_id, CardProgram.code == code
    )
    if session.scalar(taken) is not None:
        raise ProgramCodeTaken
    if is_default and session.scalar(select(CardProgram.id).where(CardProgram.is_default)):
        raise DefaultProgramTaken
