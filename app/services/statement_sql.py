"""The statements in SQL that put postings onto lines. Parts are read off the entry that a posting
belongs to, so that a rate or a share is never calculated a second time: what was booked holds.
"""

from __future__ import annotations

from sqlalchemy import text

# What is settled: what merchants are owed, and the platform's cash in their stores. A payout is no
# business of the period: it belongs to the statement that it pays.
_OPEN = (
    "p.merchant_id = :merchant AND p.account = '{account}'"
    " AND p.id {after} AND p.id <= :watermark"
    # A scalar, so that it is looked up by key and never becomes a join with every line there is.
    " AND (SELECT true FROM statement_line l WHERE l.id = p.id) IS NULL"
    " AND NOT EXISTS (SELECT FROM statement s"
    "                 WHERE s.merchant_id = :merchant AND s.paid_entry_id = p.entry_id)"
)
# A merchant's part of the ledger is small: indexes lead to it, however large the ledger is.
BY_INDEX = text("SELECT set_config('enable_seqscan', 'off', true)")
_ACCOUNTS = ("payable:merchant", "cash:store")


def _open(account: str, after: str) -> str:
    return _OPEN.format(account=account, after=after)


EARLIEST_OPEN = text(
    "SELECT least("  # noqa: S608 - made of constants
    + ", ".join(
        f"(SELECT min(p.occurred_at) FROM posting p WHERE {_open(account, '>= :from_id')})"  # noqa: S608
        for account in _ACCOUNTS
    )
    + ")"
)
# Nothing below it is open: the next closing looks from there on.
LOWEST_OPEN = text(
    "SELECT coalesce(least("  # noqa: S608
    + ", ".join(
        f"(SELECT p.id FROM posting p WHERE {_open(account, '>= :from_id')}"  # noqa: S608
        " ORDER BY p.id LIMIT 1)"
        for account in _ACCOUNTS
    )
    + "), :watermark + 1)"
)
TOTALS = text(
    "SELECT l.line_count, l.late_count, l.lines_fen, l.cash_fen, s.sums_fen"
    " FROM (SELECT count(*)::int AS line_count, count(*) FILTER (WHERE is_late)::int AS late_count,"
    "   coalesce(sum(amount_fen), 0)::bigint AS lines_fen,"
    "   coalesce(sum(cash_fen), 0)::bigint AS cash_fen"
    "   FROM statement_line WHERE statement_id = :statement) l,"
    " (SELECT coalesce(sum(amount_fen), 0)::bigint AS sums_fen"
    "  FROM statement_sum WHERE statement_id = :statement) s"
)
_CHUNK = " UNION ALL ".join(
    f"(SELECT p.* FROM posting p WHERE {_open(account, '> :position')}"  # noqa: S608
    " AND p.occurred_at < :until ORDER BY p.id LIMIT :limit)"
    for account in _ACCOUNTS
)
# One statement a chunk: the lines, and the sums that they add to.
COLLECT = text(
    f"""
WITH chunk AS MATERIALIZED (SELECT * FROM ({_CHUNK}) open ORDER BY id LIMIT :limit),
legs AS MATERIALIZED (
    SELECT c.id,
           sum(o.amount_fen) FILTER (WHERE o.account = 'income:commission') AS commission,
           sum(o.amount_fen) FILTER (WHERE o.account = 'voucher') AS paper,
           min(o.batch_id) FILTER (WHERE o.account = 'voucher') AS batch_id,
           sum(o.amount_fen) FILTER (WHERE o.account IN ('bank:wechat', 'refunds:wechat'))
               AS wechat,
           bool_or(o.account = 'held') AS was_held,
           bool_or(o.account = 'bonus-borne:merchant' AND o.merchant_id = :merchant) AS borne,
           min(o.refund_id) AS refund_id
    FROM chunk c JOIN posting o ON o.entry_id = c.entry_id GROUP BY c.id),
-- Whose cards: of the entry itself, or of the one that held them until WeChat had answered.
card AS MATERIALIZED (
    SELECT id, issuer_id, sum(fen)::bigint AS fen FROM (
        SELECT c.id, o.merchant_id AS issuer_id, o.amount_fen AS fen
        FROM chunk c JOIN posting o ON o.entry_id = c.entry_id
        WHERE c.account = 'payable:merchant' AND c.store_id IS NOT NULL
          AND o.account IN ('card', 'suspense:member')
        UNION ALL
        SELECT c.id, o.merchant_id, o.amount_fen
        FROM chunk c JOIN legs l ON l.id = c.id AND l.was_held
        JOIN posting o ON o.payment_id = c.payment_id AND o.account = 'card' AND o.refund_id IS NULL
        WHERE c.account = 'payable:merchant' AND c.store_id IS NOT NULL) parts
    GROUP BY id, issuer_id),
cards AS (
    SELECT id, sum(fen) FILTER (WHERE issuer_id = :merchant) AS own,
           sum(fen) FILTER (WHERE issuer_id <> :merchant) AS other
    FROM card GROUP BY id),
known AS (
    SELECT c.*, e.kind AS entry_kind, e.reference, e.reverses_id, l.borne, -c.amount_fen AS fen,
           coalesce(c.refund_id, l.refund_id) AS of_refund_id,
           coalesce(c.batch_id, l.batch_id) AS of_batch_id,
           -- Only a store's own posting has parts; what a bearer is charged has none.
           c.account = 'payable:merchant' AND c.store_id IS NOT NULL AS earned,
           coalesce(l.commission, 0) AS commission, coalesce(l.paper, 0) AS paper,
           coalesce(l.wechat, 0) AS wechat,
           coalesce(k.own, 0) AS own, coalesce(k.other, 0) AS other
    FROM chunk c JOIN journal_entry e ON e.id = c.entry_id JOIN legs l ON l.id = c.id
    LEFT JOIN cards k ON k.id = c.id),
parts AS (
    SELECT k.*,
           CASE WHEN earned THEN own ELSE 0 END AS own_card_fen,
           CASE WHEN earned THEN other ELSE 0 END AS group_card_fen,
           CASE WHEN earned THEN wechat ELSE 0 END AS wechat_fen,
           CASE WHEN earned THEN paper ELSE 0 END AS paper_fen,
           CASE WHEN earned THEN commission ELSE 0 END AS commission_fen,
           CASE WHEN account = 'payable:merchant' AND NOT earned AND borne THEN fen ELSE 0 END
               AS borne_fen,
           CASE WHEN account = 'cash:store' THEN fen ELSE 0 END AS cash_fen
    FROM known k),
line AS MATERIALIZED (
    SELECT p.*, p.fen - p.own_card_fen - p.group_card_fen - p.wechat_fen - p.paper_fen
                - p.commission_fen - p.borne_fen - p.cash_fen AS other_fen,
           CASE WHEN p.account = 'cash:store' THEN 'cash'
                WHEN NOT earned AND borne THEN 'borne'
                WHEN entry_kind = 'voucher_sales_netted' THEN 'sales_netted'
                WHEN entry_kind = 'card_returned' THEN 'interest'
                WHEN reverses_id IS NOT NULL THEN 'reversal'
                WHEN of_refund_id IS NOT NULL THEN 'refund'
                WHEN paper <> 0 THEN 'redemption'
                WHEN p.payment_id IS NOT NULL THEN 'payment' ELSE 'other' END AS line_kind,
           CASE WHEN earned OR account = 'cash:store' OR NOT borne THEN NULL
                WHEN p.payment_id IS NULL THEN 'promotion' ELSE 'bonus' END AS borne_part,
           coalesce(f.refund_no, y.payment_no, d.redemption_no, t.top_up_no, p.reference) AS no
    FROM parts p
    LEFT JOIN refund f ON f.id = p.of_refund_id
    LEFT JOIN payment y ON y.id = p.payment_id
    LEFT JOIN redemption d ON p.reference LIKE 'redemption:%'
        AND d.id = nullif(split_part(p.reference, ':', 2), '')::bigint
    LEFT JOIN top_up t ON t.id = p.top_up_id),
kept AS (
    INSERT INTO statement_line (id, statement_id, merchant_id, store_id, kind, occurred_at,
        document_no, batch_id, own_card_fen, group_card_fen, wechat_fen, paper_fen, commission_fen,
        borne_fen, cash_fen, other_fen, amount_fen, is_late)
    SELECT id, :statement, :merchant, store_id, line_kind, occurred_at, no, of_batch_id,
           own_card_fen, group_card_fen, wechat_fen, paper_fen, commission_fen, borne_fen, cash_fen,
           other_fen, fen, occurred_at < :since
    FROM line ORDER BY id),
summed AS (
    INSERT INTO statement_sum AS s (statement_id, merchant_id, store_id, kind, part, issuer_id,
        batch_id, line_count, amount_fen)
    SELECT :statement, :merchant, store_id, line_kind, part, issuer_id, batch_id, count(*), sum(fen)
    FROM (
        SELECT l.store_id, l.line_kind, v.part, v.issuer_id, v.batch_id, v.fen
        FROM line l
        LEFT JOIN voucher_batch b ON b.id = l.of_batch_id,
        LATERAL (VALUES
            ('wechat', NULL::bigint, NULL::bigint, l.wechat_fen),
            ('paper', b.merchant_id, l.of_batch_id, l.paper_fen),
            ('commission', NULL, NULL, l.commission_fen),
            (coalesce(l.borne_part, 'bonus'), NULL, l.of_batch_id, l.borne_fen),
            ('cash', NULL, NULL, l.cash_fen),
            ('other', NULL, NULL, l.other_fen)) v (part, issuer_id, batch_id, fen)
        UNION ALL
        SELECT l.store_id, l.line_kind,
               CASE WHEN k.issuer_id = :merchant THEN 'card_own' ELSE 'card_group' END,
               k.issuer_id, NULL, k.fen
        FROM line l JOIN card k ON k.id = l.id) every
    WHERE fen <> 0
    GROUP BY store_id, line_kind, part, issuer_id, batch_id
    ON CONFLICT (statement_id, store_id, kind, part, issuer_id, batch_id) DO UPDATE
        SET line_count = s.line_count + excluded.line_count,
            amount_fen = s.amount_fen + excluded.amount_fen)
SELECT count(*)::int AS taken, max(id) AS last_id FROM line
"""  # noqa: S608 - made of constants
)
