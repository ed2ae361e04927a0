-- Cash that is taken at several counters at the same time, by the same rule as in 045_pay_together.sql: plain
-- top-ups go together (a till at an open store, the drawer's shift as it is asked for, a member who knows the
-- merchant and has the card already, whom nobody else is at, room on the card and in the cashier's day, a new
-- key), the others are left out and go to kaquan.top_up_with_cash one by one. It waits for no lock.

-- What looks plain among the calls, as it was before anything was locked; their keys are claimed until the
-- commit. A member's second call is left out.
CREATE OR REPLACE FUNCTION kaquan.likely_cash_top_ups(
    p_token_digests bytea[], p_keys text[], p_request_hashes bytea[], p_phone_digests bytea[],
    p_card_nos text[], p_program_ids bigint[], p_amounts_fen bigint[]) RETURNS kaquan.cash_top_up[]
    LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
    SELECT array_agg(ROW(
        q.place, nextval('public.top_up_id_seq'), q.key, q.request_hash, q.staff_id, q.terminal_id, q.store_id,
        q.merchant_id, NULL, q.amount_fen, kaquan.bonus_for(q.program_id, q.amount_fen), q.member_id,
        q.nickname, q.phone_masked, q.card_id, q.card_no, NULL, q.program_id, q.issuer_id, q.bonus_bearer_id,
        q.principal_days, q.bonus_days, NULL)::kaquan.cash_top_up)
    FROM (
        SELECT DISTINCT ON (m.id)
            a.place::integer, a.key, a.request_hash, c.staff_id, c.terminal_id, s.id AS store_id,
            s.merchant_id, a.amount_fen, m.id AS member_id, m.nickname, m.phone_masked, k.id AS card_id,
            k.card_no, p.id AS program_id, p.merchant_id AS issuer_id,
            CASE p.bonus_bearer WHEN 'issuer' THEN p.merchant_id END AS bonus_bearer_id, p.principal_days,
            p.bonus_days
        FROM unnest(p_token_digests, p_keys, p_request_hashes, p_phone_digests, p_card_nos, p_program_ids,
                    p_amounts_fen) WITH ORDINALITY
            AS a(token_digest, key, request_hash, phone_digest, card_no, program_id, amount_fen, place)
        CROSS JOIN LATERAL kaquan.find_caller(a.token_digest) c
        JOIN public.store s ON s.id = c.store_id AND s.status = 'open'
        JOIN public.merchant h ON h.id = s.merchant_id AND h.status = 'active'
        CROSS JOIN LATERAL kaquan.find_receiver(a.phone_digest, a.card_no) m
        JOIN public.member_merchant known ON known.member_id = m.id AND known.merchant_id = s.merchant_id
        CROSS JOIN LATERAL kaquan.find_program(s.merchant_id, m.program_id, a.program_id) p
        JOIN public.card k ON k.member_id = m.id AND k.program_id = p.id
            AND k.status NOT IN ('replaced', 'returned')
        WHERE c.staff_id IS NOT NULL
          AND (c.terminal_id IS NOT NULL OR NOT s.terminal_required)
          AND a.amount_fen >= p.min_top_up_fen
        ORDER BY m.id, a.place) q
    WHERE pg_try_advisory_xact_lock(hashtextextended('staff:' || q.staff_id || ' ' || q.key, 0)));
END $$;

-- Those of them that are plain indeed, with the shift of their drawer and what is on the card, now that all of
-- it is held. Locks as kaquan.top_up_with_cash does: shift, cashier, member, card.
CREATE OR REPLACE FUNCTION kaquan.plain_cash_top_ups(p_likely kaquan.cash_top_up[], p_at timestamptz)
    RETURNS kaquan.cash_top_up[]
    LANGUAGE plpgsql AS $$
DECLARE
    v_shifts public.shift[] := ARRAY(
        SELECT s FROM public.shift s
        WHERE s.status = 'open' AND s.drawer = ANY (ARRAY(
            SELECT kaquan.drawer(t.store_id, t.terminal_id, t.staff_id) FROM unnest(p_likely) t))
        ORDER BY s.id FOR SHARE SKIP LOCKED);
    v_limited bigint[] := ARRAY(
        SELECT s.id FROM public.staff s
        WHERE s.id = ANY (ARRAY(SELECT t.staff_id FROM unnest(p_likely) t))
          AND s.daily_cash_limit_fen IS NOT NULL
        ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED);
    v_members bigint[] := ARRAY(
        SELECT m.id FROM public.member m
        WHERE m.id = ANY (ARRAY(SELECT t.member_id FROM unnest(p_likely) t)) AND m.status = 'active'
        ORDER BY m.id FOR NO KEY UPDATE SKIP LOCKED);
    v_cards public.card[] := ARRAY(
        SELECT c FROM public.card c
        WHERE c.id = ANY (ARRAY(SELECT t.card_id FROM unnest(p_likely) t)) AND c.status = 'active'
        ORDER BY c.id FOR NO KEY UPDATE SKIP LOCKED);
BEGIN
    RETURN ARRAY(
        SELECT ROW(
            t.place, t.id, t.key, t.request_hash, t.staff_id, t.terminal_id, t.store_id, t.merchant_id, d.id,
            t.amount_fen, t.bonus_fen, t.member_id, t.nickname, t.phone_masked, t.card_id, t.card_no,
            c.balance_fen, t.program_id, t.issuer_id, t.bonus_bearer_id, t.principal_days,
            t.bonus_days, day.taken_fen)::kaquan.cash_top_up
        FROM unnest(p_likely) t
        JOIN public.store s ON s.id = t.store_id
        JOIN public.staff w ON w.id = t.staff_id
        JOIN public.card_program p ON p.id = t.program_id
        JOIN unnest(v_cards) c ON c.id = t.card_id
        CROSS JOIN LATERAL (SELECT CASE WHEN w.daily_cash_limit_fen IS NOT NULL
                                        THEN kaquan.cash_taken_today(t.staff_id, p_at) END AS taken_fen) day
        LEFT JOIN unnest(v_shifts) d ON d.drawer = kaquan.drawer(t.store_id, t.terminal_id, t.staff_id)
        WHERE t.member_id = ANY (v_members)
          -- Without a shift that we hold: only where none is asked for and none is open.
          AND (d.id IS NOT NULL OR NOT s.shift_required AND NOT EXISTS (
                SELECT FROM public.shift o
                WHERE o.drawer = kaquan.drawer(t.store_id, t.terminal_id, t.staff_id) AND o.status = 'open'))
          AND t.amount_fen + t.bonus_fen <= p.registered_cap_fen - c.balance_fen
                - kaquan.on_its_way(t.member_id, NULL, t.program_id)
          -- A cashier with a limit has one call in a group at most, which sees all of the day.
          AND (w.daily_cash_limit_fen IS NULL OR t.staff_id = ANY (v_limited)
               AND t.amount_fen <= w.daily_cash_limit_fen - day.taken_fen
               AND NOT EXISTS (SELECT FROM unnest(p_likely) o
                               WHERE o.staff_id = t.staff_id AND o.place < t.place))
          -- A key that came twice stands for neither.
          AND NOT EXISTS (SELECT FROM unnest(p_likely) o
                          WHERE o.staff_id = t.staff_id AND o.key = t.key AND o.id <> t.id)
          AND NOT EXISTS (SELECT FROM public.idempotency_record r
                          WHERE r.caller = 'staff:' || t.staff_id AND r.key = t.key));
END $$;

-- Gives the answers of the calls whose cash is taken, by their place among the calls, from 1.
CREATE OR REPLACE FUNCTION kaquan.top_up_together(
    p_token_digests bytea[], p_keys text[], p_request_hashes bytea[], p_phone_digests bytea[],
    p_card_nos text[], p_program_ids bigint[], p_amounts_fen bigint[])
    RETURNS TABLE (place integer, http_status integer, answer text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_top_ups kaquan.cash_top_up[] := kaquan.likely_cash_top_ups(
        p_token_digests, p_keys, p_request_hashes, p_phone_digests, p_card_nos, p_program_ids, p_amounts_fen);
BEGIN
    v_top_ups := kaquan.plain_cash_top_ups(v_top_ups, v_now);
    IF cardinality(v_top_ups) > 0 THEN
        RETURN QUERY SELECT * FROM kaquan.take_cash(v_top_ups, v_now);
    END IF;
END $$;
