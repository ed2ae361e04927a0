"""The wall: which rows each scope sees, table by table. The one list of scope × table policies.

``render_policies`` makes row-level security of it. A scope that is not named for a table sees none
of its rows, and a table that is not named here fails a test. Writing is granted apart, below.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.core.actor import Scope

Rows = Mapping[Scope, str]

ALL = "true"
MEMBER = "kaquan.scoped('member_id')"
MERCHANT = "kaquan.scoped('merchant_id')"
STORE = "kaquan.scoped('store_id')"
STAFF = "kaquan.scoped('staff_id')"

_OWN_MERCHANT = f"merchant_id = {MERCHANT}"
_OWN_STORE = f"store_id = {STORE}"
_OWN_FILES = f"staff_id = {STAFF}"
_KNOWN = (
    "EXISTS (SELECT FROM member_merchant k"
    f" WHERE k.member_id = member.id AND k.merchant_id = {MERCHANT})"
)
# A voucher whose paper the reader has in hand, or (at a store) has redeemed.
_IN_HAND = (
    "EXISTS (SELECT FROM voucher_holding h WHERE h.batch_id = voucher.batch_id"
    " AND voucher.serial_no BETWEEN h.first_serial_no AND h.last_serial_no)"
)
_PUBLISHED = "status = 'published'"
_PAST_PAGE = (
    "published_at IS NOT NULL AND EXISTS (SELECT FROM content_item i"
    " WHERE i.id = content_version.item_id AND i.kind = 'page')"
)
_ON_A_COVER = (
    "EXISTS (SELECT FROM content_item i WHERE i.cover_id = media_file.id)"
    " OR EXISTS (SELECT FROM content_item i WHERE i.picture_ids @> ARRAY[media_file.id])"
)
_TAKEN_HERE = "EXISTS (SELECT FROM redemption r WHERE r.voucher_id = voucher.id)"


def _rows(
    *,
    public: str | None = None,
    member: str | None = None,
    store: str | None = None,
    merchant: str | None = None,
    platform: str | None = ALL,
) -> Rows:
    given = {
        Scope.public: public,
        Scope.member: member,
        Scope.store: store,
        Scope.merchant: merchant,
        Scope.platform: platform,
        Scope.system: ALL,
    }
    return {scope: rows for scope, rows in given.items() if rows is not None}


_CATALOGUE = _rows(public=ALL, member=ALL, store=ALL, merchant=ALL)
_MERCHANTS_ONLY = _rows(merchant=_OWN_MERCHANT)
_ACCEPTED_HERE = (
    f"{_OWN_MERCHANT} OR id IN (SELECT a.program_id FROM program_acceptance a"  # noqa: S608
    f" WHERE a.merchant_id = {MERCHANT})"
)
_COUNTER = _rows(store=_OWN_STORE, merchant=_OWN_MERCHANT)
_SECRET = _rows(platform=None)

POLICIES: Mapping[str, Rows] = {
    # Who and where. Names of merchants and stores are on their doors, so the public may read them;
    # staff work with their own: what another merchant has agreed with the operator is not theirs.
    "merchant": _rows(
        public=ALL, member=ALL, store=f"id = {MERCHANT}", merchant=f"id = {MERCHANT}"
    ),
    "merchant_papers": _MERCHANTS_ONLY,
    "store": _rows(public=ALL, member=ALL, store=f"id = {STORE}", merchant=_OWN_MERCHANT),
    "store_special_day": _rows(public=ALL, member=ALL, store=_OWN_STORE, merchant=_OWN_MERCHANT),
    "pay_point": _rows(public=ALL, member=ALL, store=_OWN_STORE, merchant=_OWN_MERCHANT),
    "terminal": _COUNTER,
    "shift": _COUNTER,
    "staff": _COUNTER,
    "member": _rows(
        member=f"id = {MEMBER}",
        store=_KNOWN,
        merchant=_KNOWN,
    ),
    "member_identity": _rows(member=f"member_id = {MEMBER}"),
    "notice": _rows(member=f"member_id = {MEMBER}"),
    "notice_consent": _rows(member=f"member_id = {MEMBER}"),
    "member_merchant": _rows(
        member=f"member_id = {MEMBER}", store=_OWN_MERCHANT, merchant=_OWN_MERCHANT
    ),
    "payment_code": _SECRET,
    "access_token": _SECRET,
    "one_time_secret": _SECRET,
    "pin_failure": _SECRET,
    "cash_day": _SECRET,
    "staff_wechat": _SECRET,
    "second_factor": _SECRET,
    "recovery_code": _SECRET,
    # Cards. An issuer sees its own programs' cards wherever they are used.
    "card_program": _rows(public=ALL, member=ALL, store=_ACCEPTED_HERE, merchant=_ACCEPTED_HERE),
    "program_acceptance": _CATALOGUE,
    "bonus_tier": _CATALOGUE,
    "card": _rows(member=f"member_id = {MEMBER}", merchant=_OWN_MERCHANT),
    "lot": _rows(member="card_id IN (SELECT c.id FROM card c)", merchant=_OWN_MERCHANT),
    # Business: the acceptor's for payments and redemptions, the issuer's for top-ups and gifts.
    "payment": _rows(member=f"member_id = {MEMBER}", store=_OWN_STORE, merchant=_OWN_MERCHANT),
    "refund": _rows(member=f"member_id = {MEMBER}", store=_OWN_STORE, merchant=_OWN_MERCHANT),
    "refund_request": _rows(
        member=f"member_id = {MEMBER}", store=_OWN_STORE, merchant=_OWN_MERCHANT
    ),
    "top_up": _rows(
        member=f"member_id = {MEMBER} OR payer_id = {MEMBER}",
        store=_OWN_STORE,
        merchant=f"{_OWN_MERCHANT} OR store_id IN"  # noqa: S608 - made of constants
        f" (SELECT s.id FROM store s WHERE s.{_OWN_MERCHANT})",
    ),
    "gift": _rows(member=f"sender_id = {MEMBER} OR receiver_id = {MEMBER}", merchant=_OWN_MERCHANT),
    "card_adjustment": _MERCHANTS_ONLY,
    "card_return": _MERCHANTS_ONLY,
    # An issuer's, and of those whose stores have its paper in hand.
    "voucher_batch": _rows(
        store="id IN (SELECT h.batch_id FROM voucher_holding h)",
        merchant=f"{_OWN_MERCHANT} OR id IN (SELECT h.batch_id FROM voucher_holding h)",  # noqa: S608
    ),
    "batch_acceptance": _rows(store=_OWN_MERCHANT, merchant=_OWN_MERCHANT),
    "voucher": _rows(
        store=f"{_IN_HAND} OR {_TAKEN_HERE}", merchant=f"{_OWN_MERCHANT} OR {_IN_HAND}"
    ),
    "redemption": _COUNTER,
    # Content: what is published is everybody's, the rest its merchant's. A picture is known to the
    # public when it stands on something published; a page's former versions stay readable.
    "content_item": _rows(
        public=_PUBLISHED,
        member=_PUBLISHED,
        store=f"{_OWN_MERCHANT} AND {_PUBLISHED}",
        merchant=_OWN_MERCHANT,
    ),
    "content_version": _rows(public=_PAST_PAGE, member=_PAST_PAGE, merchant=_OWN_MERCHANT),
    "media_file": _rows(public=_ON_A_COVER, member=_ON_A_COVER, merchant=_OWN_MERCHANT),
    "content_right": _MERCHANTS_ONLY,
    # What is kept about paper. A holder sees its own stock, and what was handed to it or by it.
    "voucher_chunk": _SECRET,
    "voucher_holding": _COUNTER,
    "voucher_event": _rows(
        store=f"{STORE} IN (from_store_id, to_store_id)",
        merchant=f"{_OWN_MERCHANT} OR {MERCHANT} IN (from_merchant_id, to_merchant_id)",
    ),
    "voucher_task": _MERCHANTS_ONLY,
    "voucher_import": _rows(),
    "print_file": _rows(),
    "feed_event": _COUNTER,
    "shift_entry": _COUNTER,
    "voucher_sale": _COUNTER,
    "voucher_sale_item": _COUNTER,
    "approval": _COUNTER,
    # The ledger.
    "journal_entry": _rows(
        member="EXISTS (SELECT FROM posting p WHERE p.entry_id = journal_entry.id)",
        merchant="EXISTS (SELECT FROM posting p WHERE p.entry_id = journal_entry.id)",
    ),
    "posting": _rows(
        member="card_id IN (SELECT c.id FROM card c)", store=_OWN_STORE, merchant=_OWN_MERCHANT
    ),
    "balance_snapshot": _MERCHANTS_ONLY,
    # Settlement: a merchant's own, whole.
    "statement": _MERCHANTS_ONLY,
    "statement_line": _MERCHANTS_ONLY,
    "statement_sum": _MERCHANTS_ONLY,
    "statement_dispute": _MERCHANTS_ONLY,
    "account_code": _rows(),
    # Plumbing.
    "idempotency_record": _SECRET,
    "outbox_message": _rows(store=_OWN_STORE, merchant=_OWN_MERCHANT),
    "audit_record": _COUNTER,
    # What somebody asked for is theirs alone, whoever else works there.
    "export_file": _rows(store=_OWN_FILES, merchant=_OWN_FILES, platform=_OWN_FILES),
    "saved_report": _rows(store=_OWN_FILES, merchant=_OWN_FILES, platform=_OWN_FILES),
    "report_delivery": _rows(store=_OWN_FILES, merchant=_OWN_FILES, platform=_OWN_FILES),
    # Figures follow the rows that they are sums of; ids by hour tell nothing of anybody.
    "hourly_rollup": _rows(
        store=_OWN_STORE,
        merchant=f"{_OWN_MERCHANT} OR store_id IN"  # noqa: S608 - made of constants
        f" (SELECT s.id FROM store s WHERE s.{_OWN_MERCHANT})",
    ),
    "daily_rollup": _rows(
        store=_OWN_STORE,
        merchant=f"{_OWN_MERCHANT} OR store_id IN"  # noqa: S608 - made of constants
        f" (SELECT s.id FROM store s WHERE s.{_OWN_MERCHANT})",
    ),
    "hourly_total": _rows(),
    "member_month": _rows(),
    "ledger_day": _MERCHANTS_ONLY,
    "hour_range": _rows(store=ALL, merchant=ALL),
    "rollup_mark": _rows(store=ALL, merchant=ALL),
    "rollup_dirty": _rows(store=ALL, merchant=ALL),
    "rate_limit_bucket": _SECRET,
    "wechat_notification": _rows(),
    # What WeChat's bills say of everybody's orders is the platform's matter.
    "reconciliation": _rows(),
    "reconciliation_difference": _rows(),
    "wechat_bill_line": _rows(),
    "cached_token": _SECRET,
    "setting": _rows(store=ALL, merchant=ALL),  # Rules of the business, no secrets.
    "job_failure": _rows(),
    # What is public already, and what is counted of its readers. Rows without a merchant are sums
    # over everybody; a view's own row is told to nobody but the platform.
    "search_document": _CATALOGUE,
    "search_synonym": _CATALOGUE,
    "search_word": _rows(public=ALL, member=ALL),
    "page_view": _rows(),
    "traffic_salt": _SECRET,
    "traffic_hour": _MERCHANTS_ONLY,
    "traffic_day": _MERCHANTS_ONLY,
    "oa_follower": _rows(),
    "oa_message": _rows(),
    "oa_menu": _rows(),
    "oa_reply": _rows(),
    "traffic_fold": _rows(),
}

# The ledger's tables, and the stored balances, are written by its functions only.
READ_ONLY = frozenset({"journal_entry", "posting", "lot"})
UPDATABLE_COLUMNS: Mapping[str, str] = {
    "card": "(status, member_id, replaced_by_id)",
    "audit_record": "(chain_hash)",
}
APPEND_ONLY = frozenset({"voucher_event", "statement_line"})
DELETABLE = frozenset(
    {
        "idempotency_record",
        "outbox_message",
        "feed_event",
        "rate_limit_bucket",
        "notice",
        "notice_consent",
        "payment_code",
        "one_time_secret",
        "pin_failure",
        "cash_day",
        "staff_wechat",
        "second_factor",
        "recovery_code",
        "program_acceptance",
        "batch_acceptance",
        "bonus_tier",
        "setting",
        "job_failure",
        "export_file",
        "saved_report",
        "report_delivery",
        "wechat_bill_line",
        "hourly_rollup",
        "balance_snapshot",
        "ledger_day",
        "daily_rollup",
        "hourly_total",
        "member_month",
        "hour_range",
        "rollup_dirty",
        "rollup_mark",
        "voucher_holding",
        "account_code",
        "media_file",
        "content_right",
        "search_document",
        "search_synonym",
        "search_word",
        "traffic_salt",
        "traffic_hour",
        "traffic_day",
        "oa_message",
        "oa_reply",
        "store_special_day",
        "traffic_fold",
    }
)


def render_policies() -> list[str]:
    """The statements that put the wall up, in order. Running them again changes nothing."""
    statements = []
    for table, rows in POLICIES.items():
        statements += [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            *(f"DROP POLICY IF EXISTS {scope.name}_rows ON {table}" for scope in Scope),
            f"DROP POLICY IF EXISTS ledger_rows ON {table}",
            f"CREATE POLICY ledger_rows ON {table} TO kaquan_ledger USING (true) WITH CHECK (true)",
        ]
        for scope, condition in rows.items():
            verb = "ALL" if scope is Scope.system else "SELECT"
            statements.append(
                f"CREATE POLICY {scope.name}_rows ON {table} FOR {verb}"
                f" TO kaquan_{scope.name} USING ({condition})"
            )
        statements += _grants(table)
    return statements


def _grants(table: str) -> list[str]:
    everyone = ", ".join(f"kaquan_{scope.name}" for scope in Scope)
    grants = [
        f"REVOKE ALL ON {table} FROM kaquan_ledger, {everyone}",
        # Whoever has no policy here may ask, and gets no row.
        f"GRANT SELECT ON {table} TO {everyone}",
        f"GRANT SELECT, INSERT, UPDATE ON {table} TO kaquan_ledger",
    ]
    if table in READ_ONLY:
        return grants
    if table in APPEND_ONLY:
        return [*grants, f"GRANT INSERT ON {table} TO kaquan_system"]
    insert_only = "" if table == "card" else "INSERT, "
    grants.append(
        f"GRANT {insert_only}UPDATE {UPDATABLE_COLUMNS.get(table, '')} ON {table} TO kaquan_system"
    )
    if table in DELETABLE:
        grants.append(f"GRANT DELETE ON {table} TO kaquan_system, kaquan_ledger")
    return grants
