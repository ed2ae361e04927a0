"""L1 to L7: what is always true of the ledger itself."""

from __future__ import annotations

from app.queries.invariants.model import Invariant

LEDGER = (
    Invariant(
        "L1",
        "The postings of an entry sum to zero",
        """
        SELECT (SELECT count(*) FROM journal_entry) AS checked,
               (SELECT count(*) FROM (SELECT FROM posting GROUP BY entry_id
                                      HAVING sum(amount_fen) <> 0) unbalanced)
               + (SELECT count(*) FROM journal_entry e
                  WHERE NOT EXISTS (SELECT FROM posting p WHERE p.entry_id = e.id)) AS bad
        """,
    ),
    Invariant(
        "L2",
        "Postings and entries never change: their guards stand, and nobody has the right",
        """
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE NOT guarded OR may_write) AS bad
        FROM (SELECT role, ledger_table,
                     EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ledger_table::regclass
                             AND t.tgname = ledger_table || '_append_only'
                             AND t.tgenabled IN ('O', 'A')) AS guarded,
                     has_table_privilege(role, ledger_table,
                                         'INSERT, UPDATE, DELETE, TRUNCATE') AS may_write
              FROM unnest(ARRAY['posting', 'journal_entry']) ledger_table,
                   unnest(ARRAY['kaquan_public', 'kaquan_member', 'kaquan_store', 'kaquan_merchant',
                                'kaquan_platform', 'kaquan_system']) role) guards
        """,
    ),
    Invariant(
        "L3",
        "A stored balance equals the sum of its postings, card by card and lot by lot",
        """
        WITH booked AS (
            SELECT card_id, lot_id, -sum(amount_fen) AS fen FROM posting WHERE account = 'card'
            GROUP BY card_id, lot_id),
        by_card AS (SELECT card_id, sum(fen) AS fen FROM booked GROUP BY card_id)
        SELECT (SELECT count(*) FROM card) + (SELECT count(*) FROM lot) AS checked,
               (SELECT count(*) FROM card c FULL JOIN by_card b ON b.card_id = c.id
                WHERE coalesce(c.balance_fen, 0) <> coalesce(b.fen, 0))
               + (SELECT count(*) FROM lot l
                  FULL JOIN booked b ON b.lot_id = l.id AND b.card_id = l.card_id
                  WHERE coalesce(l.remaining_fen, 0) <> coalesce(b.fen, 0)) AS bad
        """,
    ),
    Invariant(
        "L4",
        "No card or lot is below zero, no ended card holds value, no lot more than it began with",
        """
        SELECT (SELECT count(*) FROM card) + (SELECT count(*) FROM lot) AS checked,
               (SELECT count(*) FROM card
                WHERE balance_fen < 0 OR (status IN ('replaced', 'returned') AND balance_fen <> 0))
               + (SELECT count(*) FROM lot
                  WHERE remaining_fen NOT BETWEEN 0 AND original_fen) AS bad
        """,
    ),
    Invariant(
        "L5",
        "The whole ledger sums to zero",
        """
        SELECT count(*) AS checked,
               CASE WHEN coalesce(sum(amount_fen), 0) = 0 THEN 0 ELSE 1 END AS bad
        FROM posting
        """,
    ),
    Invariant(
        "L6",
        "A posting's merchant is its account's merchant",
        """
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE p.merchant_id IS DISTINCT FROM CASE
                   WHEN p.account = 'card' THEN c.merchant_id
                   WHEN p.store_id IS NOT NULL THEN s.merchant_id
                   WHEN p.batch_id IS NOT NULL THEN b.merchant_id
                   WHEN p.account IN ('payable:merchant', 'bonus-borne:merchant', 'gift') THEN m.id
                   ELSE 1 END) AS bad
        FROM posting p
        LEFT JOIN card c ON c.id = p.card_id
        LEFT JOIN store s ON s.id = p.store_id
        LEFT JOIN voucher_batch b ON b.id = p.batch_id
        LEFT JOIN merchant m ON m.id = p.merchant_id
        """,
    ),
    Invariant(
        "L7",
        "A card's balance is the sum of its lots",
        """
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE c.balance_fen <> coalesce(l.fen, 0)) AS bad
        FROM card c
        LEFT JOIN (SELECT card_id, sum(remaining_fen) AS fen FROM lot GROUP BY card_id) l
            ON l.card_id = c.id
        """,
    ),
)
