-- Vouchers that are redeemed at the same time, by the same rule as in 045_pay_together.sql: plain ones go
-- together (a till at an open store, paper that is good there and that nobody is at, a new key), the others
-- are left out and go to kaquan.redeem one by one. It waits for no lock.

DO $$ BEGIN
    IF to_regtype('kaquan.plain_redemption') IS NULL THEN
        CREATE TYPE kaquan.plain_redemption AS (
            place integer, id bigint, key text, request_hash bytea, staff_id bigint, terminal_id bigint,
            store_id bigint, merchant_id bigint, commission_bp integer, voucher_id bigint, batch_id bigint,
            serial_no text, face_value_fen bigint, batch_merchant_id bigint, borne_fen bigint);
    END IF;
END $$;

-- The plain ones among the calls; their keys are claimed and their vouchers locked until the commit.
-- A code has a digest under every key version; p_code_places says whose each is.
CREATE OR REPLACE FUNCTION kaquan.plain_redemptions(
    p_token_digests bytea[], p_keys text[], p_request_hashes bytea[], p_code_digests bytea[],
    p_code_places integer[], p_at timestamptz) RETURNS kaquan.plain_redemption[]
    LANGUAGE plpgsql AS $$
DECLARE
    v_vouchers public.voucher[] := ARRAY(
        SELECT v FROM public.voucher v WHERE v.code_digest = ANY (p_code_digests)
        ORDER BY v.id FOR NO KEY UPDATE SKIP LOCKED);
BEGIN
    RETURN (
        SELECT array_agg(ROW(
            q.place, nextval('public.redemption_id_seq'), q.key, q.request_hash, q.staff_id, q.terminal_id,
            q.store_id, q.merchant_id, q.commission_bp, q.voucher_id, q.batch_id, q.serial_no,
            q.face_value_fen, q.batch_merchant_id, q.borne_fen)::kaquan.plain_redemption)
        FROM (
            SELECT DISTINCT ON (v.id)
                a.place::integer, a.key, a.request_hash, c.staff_id, c.terminal_id, s.id AS store_id,
                s.merchant_id, m.commission_bp, v.id AS voucher_id, v.batch_id, v.serial_no,
                v.face_value_fen, b.merchant_id AS batch_merchant_id,
                CASE b.bearer WHEN 'issuer' THEN v.face_value_fen - b.sale_price_fen END AS borne_fen
            FROM unnest(p_token_digests, p_keys, p_request_hashes) WITH ORDINALITY
                AS a(token_digest, key, request_hash, place)
            CROSS JOIN LATERAL kaquan.find_caller(a.token_digest) c
            JOIN public.store s ON s.id = c.store_id AND s.status = 'open'
            JOIN public.merchant m ON m.id = s.merchant_id AND m.status = 'active'
            JOIN unnest(p_code_digests, p_code_places) AS d(digest, place) ON d.place = a.place
            JOIN unnest(v_vouchers) v ON v.code_digest = d.digest
            JOIN public.voucher_batch b ON b.id = v.batch_id
            WHERE c.staff_id IS NOT NULL
              AND (c.terminal_id IS NOT NULL OR NOT s.terminal_required)
              AND kaquan.voucher_refusal(v, b.kind, 'payment', p_at) IS NULL
              AND kaquan.batch_accepted(v.batch_id, s.merchant_id, s.id)
            ORDER BY v.id, a.place) q
        WHERE pg_try_advisory_xact_lock(hashtextextended('staff:' || q.staff_id || ' ' || q.key, 0)));
END $$;

-- Gives the answers of the calls that are redeemed, by their place among the calls, from 1.
CREATE OR REPLACE FUNCTION kaquan.redeem_together(
    p_token_digests bytea[], p_keys text[], p_request_hashes bytea[], p_code_digests bytea[],
    p_code_places integer[]) RETURNS TABLE (place integer, http_status integer, answer text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_redemptions kaquan.plain_redemption[] := kaquan.plain_redemptions(
        p_token_digests, p_keys, p_request_hashes, p_code_digests, p_code_places, v_now);
    v_legs kaquan.leg[];
    v_references text[];
BEGIN
    -- Looked for after the keys were claimed. A key that came twice stands for neither.
    v_redemptions := ARRAY(
        SELECT r FROM unnest(v_redemptions) r
        WHERE NOT EXISTS (SELECT FROM public.idempotency_record k
                          WHERE k.caller = 'staff:' || r.staff_id AND k.key = r.key)
          AND NOT EXISTS (SELECT FROM unnest(v_redemptions) o
                          WHERE o.staff_id = r.staff_id AND o.key = r.key AND o.id <> r.id));
    IF cardinality(v_redemptions) = 0 THEN
        RETURN;
    END IF;
    UPDATE public.voucher SET status = 'redeemed', redeemed_at = v_now
    WHERE id = ANY (ARRAY(SELECT r.voucher_id FROM unnest(v_redemptions) r));

    RETURN QUERY
    WITH redeemed AS (
        INSERT INTO public.redemption (
            id, redemption_no, merchant_id, store_id, staff_id, terminal_id, voucher_id, batch_id, serial_no,
            face_value_fen, commission_bp, commission_fen, redeemed_at)
        SELECT r.id, kaquan.document_no('R', r.id, v_now), r.merchant_id, r.store_id, r.staff_id,
               r.terminal_id, r.voucher_id, r.batch_id, r.serial_no, r.face_value_fen, r.commission_bp,
               kaquan.commission(r.face_value_fen, r.commission_bp), v_now
        FROM unnest(v_redemptions) r
        RETURNING *)
    INSERT INTO public.idempotency_record AS k (caller, key, request_hash, subject_id, http_status, answer)
    SELECT 'staff:' || r.staff_id, r.key, r.request_hash, r.id, 201, kaquan.redeemed_answer(done)
    FROM unnest(v_redemptions) r JOIN redeemed done ON done.id = r.id
    RETURNING (SELECT r.place FROM unnest(v_redemptions) r WHERE r.id = k.subject_id), k.http_status, k.answer;

    SELECT array_agg(l.leg), array_agg('redemption:' || l.id) INTO v_legs, v_references FROM (
        SELECT r.id, e AS leg FROM unnest(v_redemptions) r, unnest(kaquan.redemption_legs(
            r.batch_id, r.batch_merchant_id, r.merchant_id, r.store_id, r.face_value_fen,
            kaquan.commission(r.face_value_fen, r.commission_bp), r.borne_fen)) e) l;
    PERFORM kaquan.book_together('redemption', v_now, v_legs, v_references);

    INSERT INTO public.outbox_message (topic, subject_id, merchant_id, store_id)
    SELECT 'voucher.redeemed', r.id, r.merchant_id, r.store_id FROM unnest(v_redemptions) r;
    INSERT INTO public.audit_record (action, subject_id, merchant_id, store_id, staff_id, detail)
    SELECT 'voucher.redeemed', r.id, r.merchant_id, r.store_id, r.staff_id, kaquan.at_terminal(r.terminal_id)
    FROM unnest(v_redemptions) r;
END $$;
