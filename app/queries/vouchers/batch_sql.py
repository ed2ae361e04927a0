"""What became of batches' paper, in SQL: by the books where they say it, voucher by voucher else.

One batch's paper has one face, so that its books say how many there were on any day, and a million
vouchers need not be counted. Only what was printed elsewhere has faces of its own: it is counted,
and so is paper in the hands of those who do not see the issuer's books.
"""

from __future__ import annotations

from app.queries.figure_sql import BOOKED

SOLD = "event IN ('vouchers_activated', 'vouchers_imported', 'vouchers_sold_at_till')"
ENDED = "event IN ('vouchers_expired', 'vouchers_voided')"


def booked_until(day: str, *, since: str) -> str:
    """Fen by batch before the day ``day``; ``now_fen`` is what was redeemed from ``since`` on."""
    redeemed = f"NOT ({SOLD} OR {ENDED})"
    return f"""
        SELECT batch_id, sum(fen) AS active_fen,
               sum(fen) FILTER (WHERE {SOLD}) AS activated_fen,
               -sum(fen) FILTER (WHERE {ENDED}) AS ended_fen,
               -sum(fen) FILTER (WHERE {redeemed}) AS redeemed_fen,
               -sum(fen) FILTER (WHERE {redeemed} AND day >= {since}) AS now_fen
          FROM (SELECT batch_id, day, event, -amount_fen AS fen FROM ({BOOKED}) p
                 WHERE account = 'voucher' AND day < {day}) b
         GROUP BY 1"""  # noqa: S608 - made of constants


# Of a batch ``b`` and its books ``k``, if it has any.
PAPER = """
      CROSS JOIN LATERAL (
          SELECT NOT b.is_imported AND (current_user IN ('kaquan_platform', 'kaquan_system')
                 OR (current_user = 'kaquan_merchant'
                     AND b.merchant_id = kaquan.scoped('merchant_id'))) AS by_the_books) o
      CROSS JOIN LATERAL (
          SELECT coalesce(k.activated_fen / b.face_value_fen, 0)::bigint AS activated,
                 coalesce(k.redeemed_fen / b.face_value_fen, 0)::bigint AS redeemed,
                 coalesce(k.active_fen / b.face_value_fen, 0)::bigint AS active,
                 coalesce(k.ended_fen / b.face_value_fen, 0)::bigint AS ended,
                 coalesce(k.redeemed_fen, 0)::bigint AS redeemed_fen
           WHERE o.by_the_books
          UNION ALL
          SELECT count(*) FILTER (WHERE activated_at IS NOT NULL),
                 count(*) FILTER (WHERE status = 'redeemed'),
                 count(*) FILTER (WHERE status = 'active'),
                 count(*) FILTER (WHERE status IN ('voided', 'expired')
                                    AND activated_at IS NOT NULL),
                 coalesce(sum(face_value_fen) FILTER (WHERE status = 'redeemed'), 0)::bigint
            FROM voucher WHERE batch_id = b.id AND NOT o.by_the_books
          HAVING NOT o.by_the_books) v"""
