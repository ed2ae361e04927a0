"""A day's traffic summed, and kept up to date by what has come since.

Every figure is a sum over visitors. So a later fold looks only at visitors of whom something new
was written: what they came to before is taken off, what they come to now is added, by the same
statements with another sign. What is new is told by transactions (``written_in`` against the
snapshot of the last fold), so that no view that was committed late is missed or counted twice.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from app.core.clock import end_of_day, local_day, start_of_day
from app.models.traffic import TrafficFold

_MOST_DAYS = 31  # Of a worker that was away: raw rows are not kept for ever.

# Transactions end in another order than they began. A number that this server has not reached yet
# came with a restored database, where it was committed long ago.
_SEEN = (
    "(v.written_in < cast(:{0}_xmin AS bigint)"
    " OR pg_visible_in_snapshot(cast(v.written_in::text AS xid8), cast(:{0} AS pg_snapshot))"
    " OR v.written_in >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"
)
_OF_THE_DAY = "v.viewed_at >= :since AND v.viewed_at < :until"
_SEEN_NOW, _SEEN_BEFORE = _SEEN.format("now"), _SEEN.format("before")
_SNAPSHOT = text("""
    SELECT s::text AS snapshot, pg_snapshot_xmin(s)::text::bigint AS xmin,
           pg_snapshot_xmax(s)::text::bigint AS xmax
    FROM (SELECT coalesce(cast(:kept AS pg_snapshot), pg_current_snapshot()) AS s) taken
""")
_TOUCHED = text(f"""
    CREATE TEMP TABLE touched ON COMMIT DROP AS
    SELECT DISTINCT v.visitor FROM page_view v
    WHERE {_OF_THE_DAY} AND v.written_in >= cast(:before_xmin AS bigint)
      AND {_SEEN_NOW} AND NOT {_SEEN_BEFORE}
""")  # noqa: S608 - made of constants
_WHOLE = f"SELECT 1 AS sign, v.* FROM page_view v WHERE {_OF_THE_DAY} AND {_SEEN_NOW}"  # noqa: S608
_CHANGED = f"""
    SELECT e.sign, v.* FROM touched t JOIN page_view v ON v.visitor = t.visitor
    CROSS JOIN (VALUES (1), (-1)) e(sign)
    WHERE {_OF_THE_DAY} AND {_SEEN_NOW} AND (e.sign = 1 OR {_SEEN_BEFORE})
"""  # noqa: S608 - made of constants
# A visit is a visitor's views with less than half an hour between them: a first view has none
# before it, a last one none after it. Whoever is counted once (on a page, at a merchant, in an
# hour) is counted at one view: so every figure is a sum, and one sort of the day tells all.
_READ_VIEWS = """
    CREATE TEMP TABLE day_view ON COMMIT DROP AS
    SELECT sign, merchant_id, visitor, date_trunc('hour', viewed_at) AS hour, path, device, client,
           face, region, source, keyword, campaign,
           lag(viewed_at) OVER turn IS NULL AS is_new,
           coalesce(viewed_at - lag(viewed_at) OVER turn > interval '30 minutes', true) AS enters,
           coalesce(lead(viewed_at) OVER turn - viewed_at > interval '30 minutes', true) AS leaves,
           coalesce(date_trunc('hour', lag(viewed_at) OVER turn) < date_trunc('hour', viewed_at),
                    true) AS new_hour,
           lag(path) OVER page IS NULL AS new_path,
           merchant_id IS NOT NULL
               AND lag(merchant_id) OVER page IS DISTINCT FROM merchant_id AS own_path,
           lag(viewed_at) OVER own IS NULL AS own_new,
           coalesce(date_trunc('hour', lag(viewed_at) OVER own) < date_trunc('hour', viewed_at),
                    true) AS own_hour
    FROM ({those}) those WHERE kind = 'view'
    WINDOW turn AS (PARTITION BY sign, visitor ORDER BY viewed_at, id),
           own AS (PARTITION BY sign, visitor, merchant_id ORDER BY viewed_at, id),
           page AS (PARTITION BY sign, visitor, path ORDER BY merchant_id NULLS FIRST)
"""
_READ_SUMS = text("""
    CREATE TEMP TABLE day_sum ON COMMIT DROP AS
    SELECT merchant_id, path, device, client, face, region, sum(sign) AS views,
           coalesce(sum(sign) FILTER (WHERE enters), 0) AS visits,
           coalesce(sum(sign) FILTER (WHERE enters AND leaves), 0) AS bounces,
           coalesce(sum(sign) FILTER (WHERE leaves), 0) AS exits,
           coalesce(sum(sign) FILTER (WHERE is_new), 0) AS is_new,
           coalesce(sum(sign) FILTER (WHERE new_path), 0) AS new_path,
           coalesce(sum(sign) FILTER (WHERE own_path), 0) AS own_path,
           coalesce(sum(sign) FILTER (WHERE own_new), 0) AS own_new
    FROM day_view GROUP BY 1, 2, 3, 4, 5, 6
""")
_READ_ENTRIES = text("""
    CREATE TEMP TABLE day_entry ON COMMIT DROP AS
    SELECT sign, merchant_id, visitor, leaves, source, keyword, campaign FROM day_view WHERE enters
""")
_READ_OTHERS = """
    CREATE TEMP TABLE day_other ON COMMIT DROP AS
    SELECT sign, kind, merchant_id, batch_id, visitor, path, seconds
    FROM ({those}) those WHERE kind IN ('leave', 'scan')
"""
_READ = {
    whole: [text(sql.format(those=those)) for sql in (_READ_VIEWS, _READ_OTHERS)]
    for whole, those in ((True, _WHOLE), (False, _CHANGED))
}
_FORGET = (
    text("DELETE FROM traffic_day WHERE day = :day"),
    text("DELETE FROM traffic_hour WHERE hour >= :since AND hour < :until"),
)
_FIGURES = ("views", "visitors", "visits", "bounces", "seconds", "entries", "exits")
_ADD = """
    INSERT INTO traffic_day AS t (day, merchant_id, dimension, name, {columns})
    SELECT :day, s.* FROM ({sums}) s WHERE {changes}
    ON CONFLICT (day, merchant_id, dimension, name) DO UPDATE SET {added}
"""
_SUM = """
    SELECT {merchant} AS merchant_id, '{dimension}' AS dimension, {name} AS name,
           sum(views) AS views, sum({visitors}) AS visitors, sum(visits) AS visits,
           sum(bounces) AS bounces, 0 AS seconds, sum(visits) AS entries, sum(exits) AS exits
    FROM day_sum WHERE {where} GROUP BY {group}
"""
# Where a visit came from is told by its first view.
_CAME = """
    SELECT {merchant} AS merchant_id, '{dimension}' AS dimension, {dimension} AS name,
           sum(sign) AS views, {visitors} AS visitors, sum(sign) AS visits,
           coalesce(sum(sign) FILTER (WHERE leaves), 0) AS bounces, 0 AS seconds,
           sum(sign) AS entries, coalesce(sum(sign) FILTER (WHERE leaves), 0) AS exits
    FROM day_entry WHERE {where} AND {dimension} <> '' GROUP BY {group}
"""
_DISTINCT = {
    True: "count(DISTINCT visitor)",
    False: "count(DISTINCT visitor) FILTER (WHERE sign > 0)"
    " - count(DISTINCT visitor) FILTER (WHERE sign < 0)",
}
_SECONDS = """
    SELECT {merchant}, CASE WHEN grouping(path) = 1 THEN 'all' ELSE 'path' END, coalesce(path, ''),
           0 AS views, 0 AS visitors, 0 AS visits, 0 AS bounces, sum(sign * seconds) AS seconds,
           0 AS entries, 0 AS exits
    FROM day_other WHERE kind = 'leave' AND {where} GROUP BY {group}
"""
# Scans of printed codes, with how many different devices: the first step of the funnel.
_SCANS = """
    SELECT merchant_id, 'batch', batch_id::text, sum(sign) AS views, {visitors} AS visitors,
           0 AS visits, 0 AS bounces, 0 AS seconds, 0 AS entries, 0 AS exits
    FROM day_other WHERE kind = 'scan' AND batch_id IS NOT NULL
    GROUP BY GROUPING SETS ((batch_id), (batch_id, merchant_id))
"""
_HOURS = text("""
    WITH own AS MATERIALIZED (
        SELECT hour, merchant_id, sum(sign) AS views,
               coalesce(sum(sign) FILTER (WHERE new_hour), 0) AS all_visitors,
               coalesce(sum(sign) FILTER (WHERE own_hour), 0) AS visitors
        FROM day_view GROUP BY 1, 2
    )
    INSERT INTO traffic_hour AS t (hour, merchant_id, views, visitors)
    SELECT * FROM (
        SELECT hour, merchant_id, views, visitors FROM own WHERE merchant_id IS NOT NULL
        UNION ALL
        SELECT hour, NULL, sum(views), sum(all_visitors) FROM own GROUP BY hour
    ) s WHERE views <> 0 OR visitors <> 0
    ON CONFLICT (hour, merchant_id) DO UPDATE
    SET views = t.views + excluded.views, visitors = t.visitors + excluded.visitors
""")

DIMENSIONS = ("all", "path", "face", "device", "client", "region", "source", "keyword", "campaign")
_CAMPAIGNS = ("source", "keyword", "campaign")


def _sum_of(dimension: str, *, own: bool, whole: bool) -> str:
    came = dimension in _CAMPAIGNS
    group = [*(["merchant_id"] if own else []), *([] if dimension == "all" else [dimension])]
    if came:
        visitors = _DISTINCT[whole]
    elif dimension == "path":
        visitors = "own_path" if own else "new_path"
    else:
        visitors = "own_new" if own else "is_new"
    return (_CAME if came else _SUM).format(
        merchant="merchant_id" if own else "NULL::bigint",
        dimension=dimension,
        name="''" if dimension == "all" else dimension,
        visitors=visitors,
        where="merchant_id IS NOT NULL" if own else "true",
        group=", ".join(group) or "()",
    )


def _seconds_of(*, own: bool) -> str:
    return _SECONDS.format(
        merchant="merchant_id" if own else "NULL::bigint",
        where="merchant_id IS NOT NULL" if own else "true",
        group="GROUPING SETS ((merchant_id), (merchant_id, path))"
        if own
        else "GROUPING SETS ((), (path))",
    )


def _statements(*, whole: bool) -> list[str]:
    sums = [_sum_of(name, own=own, whole=whole) for own in (False, True) for name in DIMENSIONS]
    sums += [_seconds_of(own=own) for own in (False, True)]
    sums.append(_SCANS.format(visitors=_DISTINCT[whole]))
    return [
        _ADD.format(
            columns=", ".join(_FIGURES),
            sums=one,
            changes=" OR ".join(f"s.{name} <> 0" for name in _FIGURES),
            added=", ".join(f"{name} = t.{name} + excluded.{name}" for name in _FIGURES),
        )
        for one in sums
    ]


_ADDING = {whole: [text(one) for one in _statements(whole=whole)] for whole in (True, False)}


def days_to_fold(session: Session, *, now: datetime) -> list[date]:
    """Today, and the days before it that may have got a view since they were folded."""
    today = local_day(now)
    last = session.scalar(select(TrafficFold.day).order_by(TrafficFold.day.desc()).limit(1))
    # The day before the last one, too: its last visits were written when it was over.
    first = today if last is None else max(last - timedelta(days=1), today - timedelta(_MOST_DAYS))
    first = min(first, local_day(now - timedelta(minutes=30)))
    return [first + timedelta(days=n) for n in range((today - first).days + 1)]


def fold_day(session: Session, *, day: date, whole: bool = False) -> int:
    """Bring a local day's sums up to date. Two folds at once take turns.

    Args:
        whole: Sum it anew from all its views, whatever is known of it.

    Returns:
        Of how many visitors something was looked at; -1 for everybody's.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('kaquan traffic fold'))"))
    session.execute(text("SELECT set_config('statement_timeout', '180s', true)"))
    session.execute(text("SELECT set_config('work_mem', '256MB', true)"))
    session.execute(text("DROP TABLE IF EXISTS day_view, day_sum, day_entry, day_other, touched"))
    kept = session.get(TrafficFold, day)
    now = _snapshot(session, None)
    before = _snapshot(session, kept.snapshot) if kept else now
    # Of another server's counting of transactions nothing can be told: this database was restored.
    whole = whole or kept is None or before["xmax"] > now["xmax"]
    given = {
        "day": day,
        "since": start_of_day(day),
        "until": end_of_day(day),
        "now": now["snapshot"],
        "now_xmin": now["xmin"],
    }
    if not whole:
        given |= {"before": before["snapshot"], "before_xmin": before["xmin"]}
        session.execute(_TOUCHED, given)
        session.execute(text("ANALYZE touched"))
    touched = -1 if whole else session.scalar(text("SELECT count(*) FROM touched"))
    if touched:
        _add_up(session, given, whole=whole)
    _keep(session, kept, day=day, snapshot=now["snapshot"])
    return touched or 0


def _add_up(session: Session, given: dict[str, object], *, whole: bool) -> None:
    for statement in _READ[whole]:
        session.execute(statement, given)
    session.execute(text("ANALYZE day_view"))
    session.execute(_READ_SUMS)
    session.execute(_READ_ENTRIES)
    if whole:
        for statement in _FORGET:
            session.execute(statement, given)
    for statement in (*_ADDING[whole], _HOURS):
        session.execute(statement, given)


def _snapshot(session: Session, kept: str | None) -> RowMapping:
    return session.execute(_SNAPSHOT, {"kept": kept}).mappings().one()


def _keep(session: Session, kept: TrafficFold | None, *, day: date, snapshot: str) -> None:
    if kept is None:
        session.add(TrafficFold(day=day, snapshot=snapshot))
    else:
        kept.snapshot = snapshot
    session.flush()
