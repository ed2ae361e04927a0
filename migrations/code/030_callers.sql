-- Who calls: tokens, idempotency keys, rate limits. The login may run these without a scope.

-- Without rights and a search path of its own, so that the hot functions' queries take it in whole.
CREATE OR REPLACE FUNCTION kaquan.find_caller(p_token_digest bytea)
    RETURNS TABLE (member_id bigint, member_active boolean, staff_id bigint, merchant_id bigint,
                   store_id bigint, role text, terminal_id bigint)
    LANGUAGE sql STABLE AS $$
    SELECT t.member_id, m.status = 'active', t.staff_id, s.merchant_id, s.store_id, s.role,
           t.terminal_id
    FROM public.access_token t
    LEFT JOIN public.member m ON m.id = t.member_id
    LEFT JOIN public.staff s ON s.id = t.staff_id
    LEFT JOIN public.merchant mm ON mm.id = s.merchant_id
    LEFT JOIN public.ab_user u ON u.id = s.user_id
    LEFT JOIN public.terminal d ON d.id = t.terminal_id
    WHERE t.token_digest = p_token_digest AND t.revoked_at IS NULL AND t.expires_at > now()
      AND (m.status IN ('active', 'frozen')
           OR (s.status = 'active' AND mm.status = 'active' AND u.active))
      AND (t.terminal_id IS NULL OR (d.status = 'enrolled' AND d.store_id = s.store_id));
$$;

CREATE OR REPLACE FUNCTION kaquan.authenticate(p_token_digest bytea)
    RETURNS TABLE (member_id bigint, staff_id bigint, merchant_id bigint, store_id bigint, role text,
                   terminal_id bigint, terminal_missing boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.member_id, c.staff_id, c.merchant_id, c.store_id, c.role, c.terminal_id,
           c.terminal_id IS NULL AND coalesce(s.terminal_required, false)
    FROM kaquan.find_caller(p_token_digest) c LEFT JOIN public.store s ON s.id = c.store_id;
$$;

-- What an audit record says of the device; nothing when it was none of a store's terminals.
CREATE OR REPLACE FUNCTION kaquan.at_terminal(p_terminal_id bigint) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN p_terminal_id IS NOT NULL THEN jsonb_build_object('terminal_id', p_terminal_id) END;

-- The name of the drawer into which a till's cash goes, like services.tills.shifts.drawer_of.
CREATE OR REPLACE FUNCTION kaquan.drawer(p_store_id bigint, p_terminal_id bigint, p_staff_id bigint)
    RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN p_terminal_id IS NOT NULL THEN 'terminal:' || p_terminal_id
                ELSE 'store:' || p_store_id || ':person:' || p_staff_id END;

-- Functions of the hot calls run with enable_seqscan = off: a plan made while a table is young would read
-- the whole of it, and a connection keeps the plan after the table has grown.

-- Says what to do with a call that carries a key: 'new', 'takeover' (an unfinished call whose lease
-- has run out), 'replay' (the kept answer follows), 'reused' (another request), 'busy'.
-- Until the transaction ends nobody else gets anything but 'busy' for the same key.
CREATE OR REPLACE FUNCTION kaquan.claim_key(
    p_caller text, p_key text, p_request_hash bytea,
    OUT verdict text, OUT http_status integer, OUT answer text, OUT subject_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_kept public.idempotency_record;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(p_caller || ' ' || p_key, 0)) THEN
        verdict := 'busy';
        RETURN;
    END IF;
    SELECT * INTO v_kept FROM public.idempotency_record r WHERE r.caller = p_caller AND r.key = p_key;
    IF NOT FOUND THEN
        verdict := 'new';
        RETURN;
    END IF;
    http_status := v_kept.http_status;
    answer := v_kept.answer;
    subject_id := v_kept.subject_id;
    verdict := CASE
        WHEN v_kept.request_hash <> p_request_hash THEN 'reused'
        WHEN v_kept.http_status IS NOT NULL THEN 'replay'
        WHEN v_kept.lease_until > clock_timestamp() THEN 'busy'
        ELSE 'takeover' END;
    IF verdict = 'takeover' THEN
        -- Whoever comes next finds it busy again, for as long as a first lease (flows/once.py).
        UPDATE public.idempotency_record r SET lease_until = clock_timestamp() + interval '15 seconds'
        WHERE r.caller = p_caller AND r.key = p_key;
    END IF;
END $$;

-- Keeps the answer of a committed effect; or, without a status, that the call is running on a lease.
CREATE OR REPLACE FUNCTION kaquan.keep_answer(
    p_caller text, p_key text, p_request_hash bytea, p_subject_id bigint, p_http_status integer,
    p_answer text, p_lease_until timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.idempotency_record AS r
        (caller, key, request_hash, subject_id, http_status, answer, lease_until)
    VALUES (p_caller, p_key, p_request_hash, p_subject_id, p_http_status, p_answer, p_lease_until)
    ON CONFLICT (caller, key) DO UPDATE
    SET subject_id = coalesce(excluded.subject_id, r.subject_id), http_status = excluded.http_status,
        answer = excluded.answer, lease_until = excluded.lease_until
    WHERE r.http_status IS NULL;
$$;

-- Takes one token from a bucket that refills steadily. Returns the seconds to wait; 0: go ahead.
CREATE OR REPLACE FUNCTION kaquan.take_token(
    p_name text, p_capacity double precision, p_per_second double precision) RETURNS double precision
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tokens double precision;
BEGIN
    INSERT INTO public.rate_limit_bucket AS b (name, tokens, refilled_at)
    VALUES (p_name, p_capacity - 1, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET
        tokens = least(p_capacity, b.tokens
            + extract(epoch FROM clock_timestamp() - b.refilled_at) * p_per_second) - 1,
        refilled_at = clock_timestamp()
    RETURNING tokens INTO v_tokens;
    IF v_tokens >= 0 THEN
        RETURN 0;
    END IF;
    -- A refused call costs nothing: whoever knocks all the time is let in as soon as the bucket has one.
    UPDATE public.rate_limit_bucket SET tokens = v_tokens + 1 WHERE name = p_name;
    RETURN greatest(-v_tokens, 0.001) / p_per_second;
END $$;

-- How long until a bucket has a token; takes none.
CREATE OR REPLACE FUNCTION kaquan.seconds_to_wait(
    p_name text, p_capacity double precision, p_per_second double precision) RETURNS double precision
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN coalesce((
        SELECT greatest(0, 1 - least(p_capacity, tokens
            + extract(epoch FROM clock_timestamp() - refilled_at) * p_per_second)) / p_per_second
        FROM public.rate_limit_bucket WHERE name = p_name), 0);
