"""V, T, P, H, R, S, I and G: of vouchers, top-ups, payments, refunds, calls and gifts."""

from __future__ import annotations

from app.queries.invariants.model import Invariant
from app.queries.invariants.statements import S1

BUSINESS = (
    Invariant(
        "V1",
        "One voucher, one redemption",
        """
        WITH used AS (
            SELECT voucher_id, face_value_fen AS fen FROM redemption WHERE reversed_at IS NULL
            UNION ALL
            SELECT voucher_id, amount_fen + bonus_fen FROM top_up
            WHERE voucher_id IS NOT NULL AND status = 'credited'),
        by_voucher AS (SELECT voucher_id, count(*) AS times, sum(fen) AS fen FROM used GROUP BY 1)
        SELECT count(v.id) AS checked,
               count(*) FILTER (WHERE v.id IS NULL OR coalesce(u.times, 0)
                                    <> CASE v.status WHEN 'redeemed' THEN 1 ELSE 0 END
                                   OR u.fen <> v.face_value_fen) AS bad
        FROM voucher v FULL JOIN by_voucher u ON u.voucher_id = v.id
        """,
    ),
    Invariant(
        "V2",
        "Activated = redeemed + outstanding + voided + expired, batch by batch, in count and fen",
        """
        WITH paper AS (
            SELECT batch_id, count(*) - count(*) FILTER (WHERE known) AS unknown,
                   coalesce(sum(fen) FILTER (WHERE activated), 0) AS activated,
                   coalesce(sum(fen) FILTER (WHERE status = 'redeemed'), 0) AS redeemed,
                   coalesce(sum(fen) FILTER (WHERE status = 'active'), 0) AS outstanding,
                   coalesce(sum(fen) FILTER (WHERE status = 'voided' AND activated), 0) AS voided,
                   coalesce(sum(fen) FILTER (WHERE status = 'expired'), 0) AS expired
            FROM (SELECT batch_id, status, face_value_fen AS fen,
                         activated_at IS NOT NULL AS activated,
                         status = 'voided'
                         OR (status = 'inactive') = (activated_at IS NULL) AS known
                  FROM voucher) every_voucher
            GROUP BY batch_id),
        booked AS (
            SELECT batch_id, sum(fen) AS net,
                   coalesce(sum(fen) FILTER (WHERE kind IN (
                       'vouchers_activated', 'vouchers_imported')), 0) AS activated,
                   coalesce(sum(fen) FILTER (WHERE kind = 'vouchers_voided'), 0) AS voided,
                   coalesce(sum(fen) FILTER (WHERE kind = 'vouchers_expired'), 0) AS expired,
                   coalesce(sum(fen) FILTER (WHERE kind NOT IN (
                       'vouchers_activated', 'vouchers_imported', 'vouchers_voided',
                       'vouchers_expired')), 0) AS redeemed
            FROM (SELECT p.batch_id, p.amount_fen AS fen, e.kind
                  FROM posting p JOIN journal_entry e ON e.id = p.entry_id
                  WHERE p.account = 'voucher') every_posting
            GROUP BY batch_id)
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE coalesce(v.unknown, 0) <> 0
                   OR coalesce(v.activated, 0) <> -coalesce(b.activated, 0)
                   OR coalesce(v.outstanding, 0) <> -coalesce(b.net, 0)
                   OR coalesce(v.redeemed, 0) <> coalesce(b.redeemed, 0)
                   OR coalesce(v.voided, 0) <> coalesce(b.voided, 0)
                   OR coalesce(v.expired, 0) <> coalesce(b.expired, 0)) AS bad
        FROM paper v FULL JOIN booked b ON b.batch_id = v.batch_id
        """,
    ),
    Invariant(
        "T1",
        "A credited top-up is on a card with its bonus and was paid for; any other is on none",
        """
        WITH booked AS (
            SELECT top_up_id,
                   coalesce(-sum(amount_fen) FILTER (WHERE account = 'card'), 0) AS card_fen,
                   coalesce(sum(amount_fen) FILTER (WHERE account = 'bank:wechat'), 0) AS bank_fen,
                   coalesce(sum(amount_fen) FILTER (WHERE account = 'cash:store'), 0) AS cash_fen,
                   coalesce(sum(amount_fen) FILTER (WHERE account = 'voucher'), 0) AS code_fen
            -- What is given back has a refund of its own; a correction by the bill is no top-up's.
            FROM posting WHERE top_up_id IS NOT NULL AND refund_id IS NULL AND entry_id NOT IN (
                SELECT id FROM journal_entry WHERE kind = 'reconciliation_correction')
            GROUP BY top_up_id)
        SELECT count(t.id) AS checked,
               count(*) FILTER (WHERE t.id IS NULL OR CASE
                   WHEN t.status = 'credited'
                   THEN coalesce(b.card_fen, 0) <> t.amount_fen + t.bonus_fen
                        OR CASE t.channel WHEN 'wechat' THEN b.bank_fen <> t.amount_fen
                                          WHEN 'cash' THEN b.cash_fen <> t.amount_fen
                                          ELSE b.code_fen <> t.amount_fen + t.bonus_fen END
                   ELSE coalesce(b.card_fen, 0) <> 0 OR coalesce(b.cash_fen, 0) <> 0
                        OR coalesce(b.code_fen, 0) <> 0 END) AS bad
        FROM top_up t FULL JOIN booked b ON b.top_up_id = t.id
        """,
    ),
    Invariant(
        "P1",
        "What was paid = its card part + its WeChat part, and that is what was booked",
        """
        WITH booked AS (
            SELECT payment_id,
                   coalesce(sum(amount_fen) FILTER (
                       WHERE account = 'card' AND refund_id IS NULL), 0) AS card_fen,
                   coalesce(sum(amount_fen) FILTER (
                       WHERE account = 'bank:wechat' AND refund_id IS NULL), 0) AS wechat_fen,
                   coalesce(-sum(amount_fen) FILTER (
                       WHERE account = 'payable:merchant' AND store_id IS NOT NULL
                         AND refund_id IS NULL), 0) AS earned_fen,
                   -- The bearer of a bonus is charged without a store.
                   array_agg(DISTINCT ARRAY[merchant_id, store_id]) FILTER (
                       WHERE account = 'payable:merchant' AND store_id IS NOT NULL) AS earners
            FROM posting WHERE payment_id IS NOT NULL AND entry_id NOT IN (
                -- What WeChat's bill corrected afterwards is the platform's, not the payment's.
                SELECT id FROM journal_entry WHERE kind = 'reconciliation_correction')
            GROUP BY payment_id)
        SELECT count(p.id) AS checked,
               count(*) FILTER (WHERE p.id IS NULL OR p.amount_fen <> p.card_fen + p.wechat_fen
                   OR CASE WHEN p.status IN ('paid', 'partly_refunded', 'refunded')
                           THEN coalesce(b.card_fen, 0) <> p.card_fen
                                OR coalesce(b.wechat_fen, 0) <> p.wechat_fen
                                OR coalesce(b.earned_fen, 0) <> p.amount_fen - p.commission_fen
                                OR b.earners <> ARRAY[ARRAY[p.merchant_id, p.store_id]]
                           ELSE coalesce(b.earned_fen, 0) <> 0 END) AS bad
        FROM payment p FULL JOIN booked b ON b.payment_id = p.id
        """,
    ),
    Invariant(
        "H1",
        "A pending payment holds its card part, an ended one nothing",
        """
        WITH held AS (
            SELECT payment_id, -sum(amount_fen) AS fen FROM posting
            WHERE account = 'held' GROUP BY payment_id)
        SELECT count(p.id) AS checked,
               count(*) FILTER (WHERE p.id IS NULL OR coalesce(h.fen, 0) <> CASE
                   WHEN p.status IN ('pending', 'closing') THEN p.card_fen ELSE 0 END) AS bad
        FROM payment p FULL JOIN held h ON h.payment_id = p.id
        """,
    ),
    Invariant(
        "R1",
        "Refunds are at most what was paid, tender by tender, and what the payment says of them",
        """
        WITH given AS (
            SELECT payment_id, sum(card_fen) AS card_fen, sum(commission_fen) AS commission_fen,
                   -- One that WeChat closed is asked for again under a new number.
                   coalesce(sum(wechat_fen) FILTER (WHERE status <> 'closed'), 0) AS wechat_fen
            FROM refund WHERE origin = 'payment' GROUP BY payment_id)
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE coalesce(g.card_fen, 0) > p.card_fen
                   OR coalesce(g.wechat_fen, 0) > p.wechat_fen
                   OR coalesce(g.card_fen, 0) <> p.refunded_card_fen
                   OR coalesce(g.wechat_fen, 0) <> p.refunded_wechat_fen
                   OR coalesce(g.commission_fen, 0) <> p.refunded_commission_fen) AS bad
        FROM payment p LEFT JOIN given g ON g.payment_id = p.id
        """,
    ),
    Invariant(
        "S1",
        "Every payable posting of business is on one statement or still open",
        S1,
    ),
    Invariant(
        "I1",
        "One idempotency key, one effect; one event, one entry",
        """
        SELECT (SELECT count(*) FROM idempotency_record)
               + (SELECT count(*) FROM journal_entry) AS checked,
               (SELECT count(*) FROM idempotency_record
                WHERE CASE WHEN http_status IS NULL THEN lease_until IS NULL
                           ELSE answer IS NULL OR http_status >= 500 OR http_status = 429 END)
               + (SELECT count(*) - count(DISTINCT reference) FROM journal_entry)
               + (SELECT count(reverses_id) - count(DISTINCT reverses_id) FROM journal_entry) AS bad
        """,
    ),
    Invariant(
        "G1",
        "A gift is claimed or returned or revoked, once",
        """
        WITH booked AS (
            SELECT p.gift_id, coalesce(-sum(p.amount_fen) FILTER (
                       WHERE e.kind = 'gift_sent'), 0) AS sent_fen,
                   -sum(p.amount_fen) AS open_fen,
                   count(DISTINCT p.entry_id) FILTER (WHERE e.kind = 'gift_sent') AS sent,
                   array_agg(DISTINCT e.kind) FILTER (WHERE e.kind <> 'gift_sent') AS endings
            FROM posting p JOIN journal_entry e ON e.id = p.entry_id
            WHERE p.account = 'gift' GROUP BY p.gift_id)
        SELECT count(g.id) AS checked,
               count(*) FILTER (WHERE g.id IS NULL OR coalesce(b.sent, 0) <> 1
                   OR b.sent_fen <> g.amount_fen
                   OR b.endings IS DISTINCT FROM CASE g.status
                       WHEN 'sent' THEN NULL ELSE ARRAY['gift_' || g.status] END
                   OR b.open_fen <> CASE g.status WHEN 'sent' THEN g.amount_fen ELSE 0 END) AS bad
        FROM gift g FULL JOIN booked b ON b.gift_id = g.id
        """,
    ),
)
