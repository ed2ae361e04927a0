"""What accounts and entries of the ledger are called on screen."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.errors import N_

ACCOUNTS: Mapping[str, str] = {
    "bank:wechat": N_("WeChat Pay balance"),
    "bank:payout": N_("Bank for payouts"),
    "cash:store": N_("Cash in store"),
    "receivable:voucher-sales": N_("Voucher sales to collect"),
    "bonus-borne:merchant": N_("Bonus borne by merchant"),
    "card": N_("Members' cards"),
    "held": N_("Held for payments"),
    "gift": N_("Gifts on their way"),
    "voucher": N_("Vouchers outstanding"),
    "payable:merchant": N_("Payable to merchants"),
    "pending:top-up": N_("Top-ups waiting for their phone"),
    "refunds:wechat": N_("WeChat refunds on their way"),
    "unapplied:wechat": N_("WeChat money not applied"),
    "suspense:member": N_("Suspense of erased members"),
    "income:commission": N_("Income: commission"),
    "income:breakage": N_("Income: breakage"),
    "expense:bonus": N_("Expense: bonus"),
    "expense:promotion": N_("Expense: promotion"),
    "expense:adjustment": N_("Expense: adjustment"),
    "expense:wechat-fee": N_("Expense: WeChat's fee"),
}

ENTRY_KINDS: Mapping[str, str] = {
    "card_adjusted": N_("Adjustment of a card"),
    "card_replaced": N_("Replacement of a card"),
    "card_returned": N_("Return of a card"),
    "gift_claimed": N_("Gift claimed"),
    "gift_returned": N_("Gift returned"),
    "gift_revoked": N_("Gift taken back"),
    "gift_sent": N_("Gift sent"),
    "lot_expired": N_("Expiry of card value"),
    "member_erased": N_("Erasure of a member"),
    "payment": N_("Payment"),
    "payment_captured": N_("Combined payment confirmed"),
    "payment_held": N_("Card part held"),
    "payment_late": N_("Payment after closing"),
    "payment_released": N_("Card part released"),
    "redemption": N_("Redemption"),
    "redemption_reversed": N_("Redemption reversed"),
    "refund_card": N_("Refund to card"),
    "refund_requested": N_("WeChat refund requested"),
    "refund_succeeded": N_("WeChat refund succeeded"),
    "statement_paid": N_("Payout to a merchant"),
    "top_up_cash": N_("Cash top-up"),
    "top_up_cash_reversed": N_("Cash top-up reversed"),
    "top_up_code": N_("Top-up by code"),
    "top_up_pending": N_("Top-up waiting for its phone"),
    "top_up_code_reversed": N_("Top-up by code reversed"),
    "top_up_wechat": N_("Top-up by WeChat Pay"),
    "voucher_sales_netted": N_("Voucher sales netted"),
    "voucher_sales_paid": N_("Voucher sales collected"),
    "vouchers_activated": N_("Activation of vouchers"),
    "vouchers_expired": N_("Expiry of vouchers"),
    "vouchers_imported": N_("Old cards taken over"),
    "vouchers_sold_at_till": N_("Vouchers sold at the till"),
    "voucher_sale_late": N_("Voucher sale paid too late"),
    "vouchers_voided": N_("Vouchers voided"),
    "wechat_fee": N_("WeChat's fee"),
    "wechat_transfer": N_("WeChat's transfer to the bank"),
}
