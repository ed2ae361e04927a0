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
-- Looked up line by line: two lists of a chunk's size are never joined, whatever is estimated.
legs AS MATERIALIZED (
    SELECT c.*, l.*, k.issuers, k.issuers_fen,
           c.account = 'payable:merchant' AND c.store_id IS NOT NULL AS earned
    FROM chunk c
    CROSS JOIN LATERAL (
        SELECT sum(o.amount_fen) FILTER (WHERE o.account = 'income:commission') AS commission,
               sum(o.amount_fen) FILTER (WHERE o.account = 'voucher') AS paper,
               min(o.batch_id) FILTER (WHERE o.account = 'voucher') AS paper_batch_id,
               sum(o.amount_fen) FILTER (WHERE o.account IN ('bank:wechat', 'refunds:wechat'))
                   AS wechat,
               bool_or(o.account = 'held') AS was_held,
               bool_or(o.account = 'bonus-borne:merchant' AND o.merchant_id = :merchant) AS borne,
               min(o.refund_id) AS any_refund_id
        FROM posting o WHERE o.entry_id = c.entry_id) l
    -- Whose cards: of the entry itself, or of the one that held them until WeChat had answered.
    CROSS JOIN LATERAL (
        SELECT array_agg(issuer_id) AS issuers, array_agg(fen) AS issuers_fen FROM (
            SELECT merchant_id AS issuer_id, sum(amount_fen)::bigint AS fen FROM (
                SELECT o.merchant_id, o.amount_fen FROM posting o
                WHERE o.entry_id = c.entry_id AND o.account IN ('card', 'suspense:member')
                UNION ALL
                SELECT o.merchant_id, o.amount_fen FROM posting o
                WHERE l.was_held AND o.payment_id = c.payment_id AND o.account = 'card'
                  AND o.refund_id IS NULL) parts
            WHERE c.account = 'payable:merchant' AND c.store_id IS NOT NULL
            GROUP BY merchant_id) issued) k),
known AS (
    SELECT c.*, e.kind AS entry_kind, e.reference, e.reverses_id, -c.amount_fen AS fen,
           coalesce(c.refund_id, c.any_refund_id) AS of_refund_id,
           coalesce(c.batch_id, c.paper_batch_id) AS of_batch_id,
           coalesce(c.commission, 0) AS commission_part, coalesce(c.paper, 0) AS paper_part,
           coalesce(c.wechat, 0) AS wechat_part, coalesce(k.own, 0) AS own,
           coalesce(k.other, 0) AS other
    FROM legs c JOIN journal_entry e ON e.id = c.entry_id
    CROSS JOIN LATERAL (
        SELECT sum(fen) FILTER (WHERE issuer_id = :merchant) AS own,
               sum(fen) FILTER (WHERE issuer_id <> :merchant) AS other
        FROM unnest(c.issuers, c.issuers_fen) AS u (issuer_id, fen)) k),
parts AS (
    SELECT k.*,
           CASE WHEN earned THEN own ELSE 0 END AS own_card_fen,
           CASE WHEN earned THEN other ELSE 0 END AS group_card_fen,
           -- Only a store's own posting has parts; what a bearer is charged has none.
           CASE WHEN earned THEN wechat_part ELSE 0 END AS wechat_fen,
           CASE WHEN earned THEN paper_part ELSE 0 END AS paper_fen,
           CASE WHEN earned THEN commission_part ELSE 0 END AS commission_fen,
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
                WHEN paper_part <> 0 THEN 'redemption'
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
        FROM line l CROSS JOIN LATERAL unnest(l.issuers, l.issuers_fen) AS k (issuer_id, fen)) every
    WHERE fen <> 0
    GROUP BY store_id, line_kind, part, issuer_id, batch_id
    ON CONFLICT (statement_id, store_id, kind, part, issuer_id, batch_id) DO UPDATE
        SET line_count = s.line_count + excluded.line_count,
            amount_fen = s.amount_fen + excluded.amount_fen)
SELECT count(*)::int AS taken, max(id) AS last_id FROM line
"""  # noqa: S608 - made of constants
)
