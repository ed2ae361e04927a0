"""Refusals that more than one service gives, and those of the hot SQL functions, by their code."""

from __future__ import annotations

from app.core.errors import N_, Category, DomainError


class Unauthenticated(DomainError):
    code = "unauthenticated"
    category = Category.UNAUTHENTICATED
    template = N_("Please sign in again.")


class Forbidden(DomainError):
    code = "forbidden"
    category = Category.FORBIDDEN
    template = N_("Your role may not do this. Please ask a manager.")


class StoreRequired(DomainError):
    code = "store_required"
    category = Category.FORBIDDEN
    template = N_("Only the staff of a store can do this. Please sign in with a store's account.")


class TerminalRequired(DomainError):
    code = "terminal_required"
    category = Category.FORBIDDEN
    template = N_(
        "This store takes money at its own terminals only. Please sign in on one of them."
    )


class ShiftRequired(DomainError):
    code = "shift_required"
    category = Category.CONFLICT
    template = N_("Please open a shift first: count the cash in the drawer and type it in.")


class RequestInProgress(DomainError):
    code = "request_in_progress"
    category = Category.CONFLICT
    template = N_("The same request is still being worked on. Please wait a moment and look again.")


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"
    category = Category.INVALID
    template = N_("This request key was used for another request. Please start again.")


class PayPointNotFound(DomainError):
    code = "pay_point_not_found"
    category = Category.NOT_FOUND
    template = N_("This is not a valid store code. Please scan the code on the counter again.")


class StoreClosed(DomainError):
    code = "store_closed"
    category = Category.CONFLICT
    template = N_("This store is closed and takes no payments. Please ask the staff.")


class MemberFrozen(DomainError):
    code = "member_frozen"
    category = Category.FORBIDDEN
    template = N_("This member account is frozen. Please contact customer service.")


class PaymentCodeInvalid(DomainError):
    code = "payment_code_invalid"
    category = Category.INVALID
    template = N_(
        "This payment code is used up or out of date. Ask the member to show a fresh one."
    )


class VoucherNotFound(DomainError):
    code = "voucher_not_found"
    category = Category.NOT_FOUND
    template = N_(
        "No such voucher here. Check the code and that the voucher is meant for this store."
    )


class VoucherAlreadyRedeemed(DomainError):
    code = "voucher_already_redeemed"
    category = Category.CONFLICT
    template = N_("This voucher was already redeemed. It cannot be used again.")


class VoucherVoided(DomainError):
    code = "voucher_voided"
    category = Category.CONFLICT
    template = N_("This voucher was voided. Please do not accept it.")


class VoucherExpired(DomainError):
    code = "voucher_expired"
    category = Category.CONFLICT
    template = N_("This voucher has expired. Please refer the customer to the issuer.")


class VoucherNotActive(DomainError):
    code = "voucher_not_active"
    category = Category.CONFLICT
    template = N_("This voucher is not activated yet. Please keep it and ask a manager.")


class VoucherFrozen(DomainError):
    code = "voucher_frozen"
    category = Category.CONFLICT
    template = N_("This voucher is frozen. Please keep it and ask a manager.")


class VoucherOfOtherKind(DomainError):
    code = "voucher_of_other_kind"
    category = Category.CONFLICT
    template = N_(
        "This code is of another kind: vouchers are redeemed in a store, top-up codes by members."
    )


class CodeMistyped(DomainError):
    code = "code_mistyped"
    category = Category.INVALID
    template = N_(
        "The code has a typing error. Please compare it with the paper and type it again."
    )


class MemberNotFound(DomainError):
    code = "member_not_found"
    category = Category.NOT_FOUND
    template = N_("No member has this phone number. Ask the member to sign in and bind it first.")


class CardNotFound(DomainError):
    code = "card_not_found"
    category = Category.NOT_FOUND
    template = N_("No such card. Please check the number.")


class ProgramNotFound(DomainError):
    code = "program_not_found"
    category = Category.NOT_FOUND
    template = N_("This card product cannot be topped up here. Please choose another one.")


class TopUpBelowMinimum(DomainError):
    code = "top_up_below_minimum"
    category = Category.INVALID
    template = N_("The amount is below the smallest top-up. Please choose a larger one.")


class DailyCashLimitExceeded(DomainError):
    code = "daily_cash_limit_exceeded"
    category = Category.CONFLICT
    template = N_("This is above your cash limit for today. Please ask a manager to take it.")


class CardCapExceeded(DomainError):
    code = "card_cap_exceeded"
    category = Category.CONFLICT
    template = N_("The card would hold more than it may. Please choose a smaller amount.")


class CardFrozen(DomainError):
    code = "card_frozen"
    category = Category.CONFLICT
    template = N_("This card is frozen. Please contact customer service.")


class CardLost(DomainError):
    code = "card_lost"
    category = Category.CONFLICT
    template = N_("This card was reported lost. Please have it replaced first.")


class PaymentNotFound(DomainError):
    code = "payment_not_found"
    category = Category.NOT_FOUND
    template = N_("No such payment. Please check the number.")


class TopUpNotFound(DomainError):
    code = "top_up_not_found"
    category = Category.NOT_FOUND
    template = N_("No such top-up. Please check the number.")


class WeChatUnavailable(DomainError):
    code = "wechat_unavailable"
    category = Category.UNAVAILABLE
    template = N_("WeChat does not answer at the moment. Nothing was charged; please try again.")


class WeChatRefused(DomainError):
    code = "wechat_refused"
    category = Category.FAR_END
    template = N_("WeChat refused the request. Nothing was charged; please start again.")


_BY_CODE: dict[str, type[DomainError]] = {
    refusal.code: refusal for refusal in DomainError.__subclasses__() if hasattr(refusal, "code")
}


def refusal(code: str, **extra: object) -> DomainError:
    """The refusal that a SQL function named by its code."""
    return _BY_CODE[code](extra={k: v for k, v in extra.items() if v is not None})
