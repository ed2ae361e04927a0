"""F: hourly figures are the sums of their rows, and say truly where the rows lie."""

from __future__ import annotations

from app.models.rollups import (
    DAY_BIT,
    KEPT_ACCOUNTS,
    LEDGER,
    PAID_BY_MEMBERS,
    POSTED,
    SOURCES,
    RollupSource,
)
from app.queries.invariants.model import Invariant

_MEASURES = ("amount_fen", "card_fen", "wechat_fen", "bonus_fen", "commission_fen")


def _rows(source: RollupSource) -> str:
    measures = ", ".join(f"sum({getattr(source, m)}) AS {m}" for m in _MEASURES)
    # What has changed since is noted, and will be summed again.
    return f"""
        SELECT '{source.name}' AS source, date_trunc('hour', {source.instant}) AS hour, merchant_id,
               coalesce(store_id, 0) AS store_id, {source.kind} AS kind, {source.status} AS status,
               count(*) AS events, {measures}, min(id) AS min_id, max(id) AS max_id
        FROM {source.table}
        WHERE {source.instant} < (SELECT folded_until FROM rollup_mark
                                  WHERE source = '{source.name}')
          AND NOT EXISTS (SELECT FROM rollup_dirty d WHERE d.source = '{source.name}'
                          AND d.hour = date_trunc('hour', {source.instant}))
        GROUP BY 2, 3, 4, 5, 6
    """  # noqa: S608 - made of the constants of models/rollups


_COUNTED = " UNION ALL ".join(_rows(source) for source in SOURCES.values())
_DIFFERENT = " OR ".join(f"r.{m} IS DISTINCT FROM c.{m}" for m in ("events", *_MEASURES))
_SUMMED = ", ".join(("events", *_MEASURES))
_ADDED = ", ".join(f"sum({m})" for m in ("events", *_MEASURES))
_BIT = DAY_BIT.format(day="day")
_DAY = "day, merchant_id, account, program_id, batch_id, lot_kind, event"

FIGURES = (
    Invariant(
        "F1",
        "An hour's figures are the sums of its rows",
        f"""
        WITH counted AS ({_COUNTED}),
        kept AS (SELECT h.*, coalesce(h.store_id, 0) AS store FROM hourly_rollup h
                 WHERE NOT EXISTS (SELECT FROM rollup_dirty d
                                   WHERE d.source = h.source AND d.hour = h.hour)),
        ranges AS (SELECT c.source, c.hour, min(c.min_id) AS min_id, max(c.max_id) AS max_id
                   FROM counted c GROUP BY 1, 2)
        SELECT (SELECT count(*) FROM kept) AS checked,
               (SELECT count(*) FROM kept r FULL JOIN counted c
                ON (r.source, r.hour, r.merchant_id, r.store, r.kind, r.status)
                 = (c.source, c.hour, c.merchant_id, c.store_id, c.kind, c.status)
                WHERE {_DIFFERENT})
               + (SELECT count(*) FROM ranges g LEFT JOIN hour_range h
                  ON h.source = g.source AND h.hour = g.hour
                  WHERE h.min_id IS NULL OR h.min_id > g.min_id OR h.max_id < g.max_id) AS bad
        """,  # noqa: S608 - made of the constants of models/rollups
    ),
    Invariant(
        "F2",
        "A day of the ledger is the sum of its postings",
        f"""
        WITH mark AS (SELECT coalesce(max(tail_id), 0) AS up_to FROM rollup_mark
                      WHERE source = '{LEDGER}'),
        booked AS (
            SELECT {_DAY}, sum(postings) AS postings, sum(amount_fen) AS fen
              FROM ({POSTED} WHERE p.id <= (SELECT up_to FROM mark)
                    AND p.account IN {KEPT_ACCOUNTS}) x GROUP BY 1, 2, 3, 4, 5, 6, 7),
        kept AS (SELECT {_DAY}, postings, amount_fen AS fen FROM ledger_day)
        SELECT (SELECT count(*) FROM kept) AS checked,
               (SELECT count(*) FROM ((TABLE booked EXCEPT TABLE kept)
                                      UNION ALL (TABLE kept EXCEPT TABLE booked)) different) AS bad
        """,  # noqa: S608 - made of the constants of models/rollups
    ),
    Invariant(
        "F3",
        "Days and totals are the sums of the hours",
        f"""
        WITH days AS (
            SELECT source, (hour AT TIME ZONE 'Asia/Shanghai')::date AS day, merchant_id, store_id,
                   kind, {_ADDED} FROM hourly_rollup GROUP BY 1, 2, 3, 4, 5),
        kept_days AS (SELECT source, day, merchant_id, store_id, kind, {_SUMMED} FROM daily_rollup),
        totals AS (SELECT source, hour, kind, {_ADDED} FROM hourly_rollup GROUP BY 1, 2, 3),
        kept_totals AS (SELECT source, hour, kind, {_SUMMED} FROM hourly_total)
        SELECT (SELECT count(*) FROM kept_days) + (SELECT count(*) FROM kept_totals) AS checked,
               (SELECT count(*) FROM ((TABLE days EXCEPT TABLE kept_days)
                                      UNION ALL (TABLE kept_days EXCEPT TABLE days)) a)
               + (SELECT count(*) FROM ((TABLE totals EXCEPT TABLE kept_totals)
                                        UNION ALL (TABLE kept_totals EXCEPT TABLE totals)) b) AS bad
        """,  # noqa: S608 - made of constants
    ),
    Invariant(
        "F4",
        "Members' days are those of their payments",
        f"""
        WITH changed AS (SELECT DISTINCT (hour AT TIME ZONE 'Asia/Shanghai')::date AS day
                         FROM rollup_dirty WHERE source = '{PAID_BY_MEMBERS}'),
        paid AS (
            SELECT member_id, (paid_at AT TIME ZONE 'Asia/Shanghai')::date AS day,
                   count(*) > 1 AS again
              FROM payment WHERE paid_at < (SELECT folded_until FROM rollup_mark
                                            WHERE source = '{PAID_BY_MEMBERS}')
             GROUP BY 1, 2),
        kept AS (
            SELECT member_id, day::date AS day, repeat_days & {_BIT} <> 0 AS again
              FROM member_month CROSS JOIN LATERAL generate_series(
                   month::timestamp, month + interval '1 month' - interval '1 day',
                   interval '1 day') day
             WHERE days & {_BIT} <> 0)
        SELECT (SELECT count(*) FROM kept) AS checked,
               (SELECT count(*) FROM ((TABLE paid EXCEPT TABLE kept)
                                      UNION ALL (TABLE kept EXCEPT TABLE paid)) different
                WHERE day NOT IN (SELECT day FROM changed)) AS bad
        """,  # noqa: S608 - made of constants
    ),
)
