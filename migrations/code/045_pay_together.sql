-- Payments that come at the same time go together: one statement, one transaction, one commit for all of
-- them. It takes those that are plain (a member pays at a shop where they have paid before, their cards give all
-- of it, nobody is at these, the key is new) and leaves out the others without a word: these go to kaquan.pay one by one, which
-- knows every rule and refusal. It waits for no lock, so nobody's wait becomes another's.

DO $$ BEGIN
    IF to_regtype('kaquan.plain_payment') IS NULL THEN
        CREATE TYPE kaquan.plain_payment AS (
            place integer, id bigint, key text, request_hash bytea, member_id bigint, amount_fen bigint,
            commission_fen bigint, commission_bp integer, pay_point_id bigint, store_id bigint,
            store_name text, merchant_id bigint);
        CREATE TYPE kaquan.take AS (
            payment_id bigint, merchant_id bigint, card_id bigint, lot_id bigint, bonus_bearer_id bigint,
            amount_fen bigint);
    END IF;
END $$;

-- The plain ones among the calls, with what they need to know; their keys are claimed until the commit.
CREATE OR REPLACE FUNCTION kaquan.plain_payments(
    p_token_digests bytea[], p_keys text[], p_request_hashes bytea[], p_pay_points text[],
    p_amounts_fen bigint[]) RETURNS kaquan.plain_payment[]
    LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
    SELECT array_agg(ROW(
        q.place, nextval('public.payment_id_seq'), q.key, q.request_hash, q.member_id, q.amount_fen,
        kaquan.commission(q.amount_fen, q.commission_bp), q.commission_bp, q.pay_point_id, q.store_id,
        q.store_name, q.merchant_id)::kaquan.plain_payment)
    FROM (
        -- A member's second call would have to wait for what the first leaves on the cards.
        SELECT DISTINCT ON (c.member_id)
            a.place::integer, a.key, a.request_hash, c.member_id, a.amount_fen, m.commission_bp,
            pp.id AS pay_point_id, s.id AS store_id, s.name AS store_name, s.merchant_id
        FROM unnest(p_token_digests, p_keys, p_request_hashes, p_pay_points, p_amounts_fen) WITH ORDINALITY
            AS a(token_digest, key, request_hash, pay_point, amount_fen, place)
        CROSS JOIN LATERAL kaquan.find_caller(a.token_digest) c
        JOIN public.pay_point pp ON pp.token = a.pay_point AND pp.status = 'active'
        JOIN public.store s ON s.id = pp.store_id AND s.status = 'open'
        JOIN public.merchant m ON m.id = s.merchant_id AND m.status = 'active'
        JOIN public.member_merchant k ON k.member_id = c.member_id AND k.merchant_id = s.merchant_id
        WHERE c.member_active
        ORDER BY c.member_id, a.place) q
    WHERE pg_try_advisory_xact_lock(hashtextextended('member:' || q.member_id || ' ' || q.key, 0)));
END $$;

-- What the lots give for the payments that they cover whole, in the spending order; and no more than that.
CREATE OR REPLACE FUNCTION kaquan.takes(
    p_payments kaquan.plain_payment[], p_locked_card_ids bigint[], p_at timestamptz) RETURNS kaquan.take[]
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
    SELECT array_agg(ROW(
        t.payment_id, t.merchant_id, t.card_id, t.lot_id, t.bonus_bearer_id,
        least(t.remaining_fen, t.amount_fen - t.before_fen))::kaquan.take)
    FROM (
        SELECT p.id AS payment_id, p.amount_fen, l.*,
               sum(l.remaining_fen) OVER spending - l.remaining_fen AS before_fen,
               sum(l.remaining_fen) OVER whole AS all_fen,
               bool_and(l.card_id = ANY (p_locked_card_ids)) OVER whole AS locked
        FROM unnest(p_payments) p
        CROSS JOIN LATERAL kaquan.spendable_lots(p.member_id, p.merchant_id, p_at) l
        WHERE NOT EXISTS (SELECT FROM public.idempotency_record r
                          WHERE r.caller = 'member:' || p.member_id AND r.key = p.key)
        WINDOW whole AS (PARTITION BY p.id),
               spending AS (PARTITION BY p.id ORDER BY l.of_others, l.expires_at NULLS LAST, l.spent_later,
                                                       l.lot_id)) t
    WHERE t.locked AND t.all_fen >= t.amount_fen AND t.before_fen < t.amount_fen);
END $$;

-- Gives the answers of the calls that are paid, by their place among the calls, from 1.
CREATE OR REPLACE FUNCTION kaquan.pay_together(
    p_token_digests bytea[], p_keys text[], p_request_hashes bytea[], p_pay_points text[],
    p_amounts_fen bigint[]) RETURNS TABLE (place integer, http_status integer, answer text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_payments kaquan.plain_payment[] := kaquan.plain_payments(
        p_token_digests, p_keys, p_request_hashes, p_pay_points, p_amounts_fen);
    v_locked bigint[];
    v_takes kaquan.take[];
    v_legs kaquan.leg[];
    v_references text[];
BEGIN
    SELECT array_agg(c.id) INTO v_locked FROM (
        SELECT c.id FROM public.card c
        WHERE c.member_id = ANY (ARRAY(SELECT p.member_id FROM unnest(v_payments) p))
        ORDER BY c.id FOR NO KEY UPDATE SKIP LOCKED) c;
    v_takes := kaquan.takes(v_payments, v_locked, v_now);
    IF v_takes IS NULL THEN
        -- Nothing has happened but locks, for whose end nobody has to wait until the disk has it.
        PERFORM set_config('synchronous_commit', 'off', true);
        RETURN;
    END IF;
    v_payments := ARRAY(SELECT p FROM unnest(v_payments) p
                        WHERE p.id IN (SELECT t.payment_id FROM unnest(v_takes) t));

    RETURN QUERY
    WITH paid AS (
        INSERT INTO public.payment (
            id, payment_no, merchant_id, store_id, pay_point_id, member_id, status, amount_fen, card_fen,
            wechat_fen, commission_bp, commission_fen, created_at, paid_at)
        SELECT p.id, kaquan.document_no('P', p.id, v_now), p.merchant_id, p.store_id, p.pay_point_id,
               p.member_id, 'paid', p.amount_fen, p.amount_fen, 0, p.commission_bp, p.commission_fen, v_now,
               v_now
        FROM unnest(v_payments) p
        RETURNING *)
    INSERT INTO public.idempotency_record AS r (caller, key, request_hash, subject_id, http_status, answer)
    SELECT 'member:' || p.member_id, p.key, p.request_hash, p.id, 201,
           kaquan.paid_answer(paid, p.store_name)
    FROM unnest(v_payments) p JOIN paid ON paid.id = p.id
    RETURNING (SELECT p.place FROM unnest(v_payments) p WHERE p.id = r.subject_id), r.http_status, r.answer;

    SELECT array_agg(l.leg), array_agg('payment:' || (l.leg).payment_id || ':ended')
    INTO v_legs, v_references FROM (
        SELECT ROW('card', t.amount_fen, t.merchant_id, NULL, t.card_id, t.lot_id, t.payment_id, NULL, NULL,
                   NULL, NULL)::kaquan.leg AS leg
        FROM unnest(v_takes) t
        UNION ALL
        SELECT e FROM unnest(v_payments) p, unnest(
            kaquan.earn(p.merchant_id, p.store_id, p.amount_fen, p.commission_fen, p.id)) e
        UNION ALL
        SELECT e FROM unnest(v_takes) t, unnest(
            kaquan.charge_bearer(t.bonus_bearer_id, t.amount_fen, t.payment_id)) e
        WHERE t.bonus_bearer_id IS NOT NULL) l;
    PERFORM kaquan.book_together('payment', v_now, v_legs, v_references);

    INSERT INTO public.outbox_message (topic, subject_id, merchant_id, store_id)
    SELECT 'payment.paid', p.id, p.merchant_id, p.store_id FROM unnest(v_payments) p;
    INSERT INTO public.audit_record (action, subject_id, merchant_id, store_id, member_id)
    SELECT 'payment.paid', p.id, p.merchant_id, p.store_id, p.member_id FROM unnest(v_payments) p;
END $$;
