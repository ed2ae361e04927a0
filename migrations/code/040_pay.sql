-- Scan and pay, in one round trip: who is it, has this key been used, which lots, the payment, its
-- entry, the message to the till, the audit record and the kept answer. services/sales/payments.py calls it.

-- The lots with which a member can pay at a shop, and the order in which they are spent: the shop's own
-- programs before group-wide ones, then the earliest expiry, then by the program's rule. Without rights and
-- a search path of its own, so that queries take it in whole.
CREATE OR REPLACE FUNCTION kaquan.spendable_lots(p_member_id bigint, p_merchant_id bigint, p_at timestamptz)
    RETURNS TABLE (lot_id bigint, card_id bigint, merchant_id bigint, bonus_bearer_id bigint,
                   remaining_fen bigint, of_others boolean, expires_at timestamptz, spent_later boolean)
    LANGUAGE sql STABLE AS $$
    SELECT l.id, c.id, c.merchant_id, l.bonus_bearer_id, l.remaining_fen, c.merchant_id <> p_merchant_id,
           l.expires_at, l.kind <> p.spend_first
    FROM public.card c
    JOIN public.program_acceptance a ON a.program_id = c.program_id AND a.merchant_id = p_merchant_id
    JOIN public.card_program p ON p.id = c.program_id
    JOIN public.lot l ON l.card_id = c.id
    WHERE c.member_id = p_member_id AND c.status = 'active' AND l.remaining_fen > 0
      AND (l.expires_at IS NULL OR l.expires_at > p_at);
$$;

-- Takes what the member's cards give for a shop. The member's cards are locked here.
CREATE OR REPLACE FUNCTION kaquan.allocate(
    p_member_id bigint, p_merchant_id bigint, p_payment_id bigint, p_amount_fen bigint, p_at timestamptz,
    OUT card_fen bigint, OUT card_legs kaquan.leg[], OUT bonus_legs kaquan.leg[])
    LANGUAGE plpgsql AS $$
DECLARE
    v_lot record;
    v_take bigint;
BEGIN
    card_fen := 0;
    card_legs := '{}';
    bonus_legs := '{}';
    PERFORM FROM public.card WHERE member_id = p_member_id ORDER BY id FOR NO KEY UPDATE;
    FOR v_lot IN
        SELECT * FROM kaquan.spendable_lots(p_member_id, p_merchant_id, p_at) l
        ORDER BY l.of_others, l.expires_at NULLS LAST, l.spent_later, l.lot_id
    LOOP
        EXIT WHEN card_fen = p_amount_fen;
        v_take := least(v_lot.remaining_fen, p_amount_fen - card_fen);
        card_fen := card_fen + v_take;
        card_legs := card_legs || ROW('card', v_take, v_lot.merchant_id, NULL, v_lot.card_id, v_lot.lot_id,
                                      p_payment_id, NULL, NULL, NULL, NULL)::kaquan.leg;
        IF v_lot.bonus_bearer_id IS NOT NULL THEN
            bonus_legs := bonus_legs || kaquan.charge_bearer(v_lot.bonus_bearer_id, v_take, p_payment_id);
        END IF;
    END LOOP;
END $$;

-- Whoever bears a bonus is charged when it is spent: what he owed becomes less of what he is paid.
CREATE OR REPLACE FUNCTION kaquan.charge_bearer(p_bearer_id bigint, p_fen bigint, p_payment_id bigint)
    RETURNS kaquan.leg[] LANGUAGE sql IMMUTABLE
    RETURN ARRAY[
        ROW('payable:merchant', p_fen, p_bearer_id, NULL, NULL, NULL, p_payment_id, NULL, NULL, NULL,
            NULL)::kaquan.leg,
        ROW('bonus-borne:merchant', -p_fen, p_bearer_id, NULL, NULL, NULL, p_payment_id, NULL, NULL, NULL,
            NULL)::kaquan.leg];

-- What a store earns of an amount, and the platform's commission on it.
CREATE OR REPLACE FUNCTION kaquan.earn(
    p_merchant_id bigint, p_store_id bigint, p_amount_fen bigint, p_commission_fen bigint,
    p_payment_id bigint) RETURNS kaquan.leg[] LANGUAGE sql IMMUTABLE
    RETURN ARRAY[
        ROW('payable:merchant', p_commission_fen - p_amount_fen, p_merchant_id, p_store_id, NULL, NULL,
            p_payment_id, NULL, NULL, NULL, NULL)::kaquan.leg,
        ROW('income:commission', -p_commission_fen, 1, NULL, NULL, NULL, p_payment_id, NULL, NULL, NULL,
            NULL)::kaquan.leg];

CREATE OR REPLACE FUNCTION kaquan.meet(p_member_id bigint, p_merchant_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.member_merchant
                   WHERE member_id = p_member_id AND merchant_id = p_merchant_id) THEN
        INSERT INTO public.member_merchant (member_id, merchant_id) VALUES (p_member_id, p_merchant_id)
        ON CONFLICT DO NOTHING;
    END IF;
END $$;

-- What the API says of a payment, and who may open WeChat's sheet; flows/sales/presenting.py says the same.
CREATE OR REPLACE FUNCTION kaquan.payment_answer(p public.payment, p_store_name text, p_sheet json)
    RETURNS text LANGUAGE sql STABLE
    RETURN json_build_object(
        'id', p.id::text, 'payment_no', p.payment_no, 'status', p.status, 'amount_fen', p.amount_fen,
        'card_fen', p.card_fen, 'wechat_fen', p.wechat_fen,
        'refunded_fen', p.refunded_card_fen + p.refunded_wechat_fen,
        'store', json_build_object('id', p.store_id::text, 'name', p_store_name),
        'created_at', kaquan.rfc3339(p.created_at), 'paid_at', kaquan.rfc3339(p.paid_at),
        'wechat_pay', p_sheet)::text;

CREATE OR REPLACE FUNCTION kaquan.paid_answer(p public.payment, p_store_name text) RETURNS text
    LANGUAGE sql STABLE
    RETURN kaquan.payment_answer(p, p_store_name, NULL);

-- Exactly one of p_pay_point (a member scans the shop) and p_payment_code (a cashier scans the member)
-- is given. verdict: 'paid', 'pending' (the rest is asked of WeChat), 'replay', or a refusal's code.
CREATE OR REPLACE FUNCTION kaquan.pay(
    p_token_digest bytea, p_key text, p_request_hash bytea, p_pay_point text, p_payment_code bytea,
    p_amount_fen bigint, p_lifetime interval, p_lease interval,
    OUT verdict text, OUT http_status integer, OUT answer text, OUT payment_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_who record;  -- The caller, and the shop: of the pay point, or where the caller stands.
    v_caller text;
    v_claim record;
    v_member_id bigint;
    v_active boolean;
    v_taken record;
    v_payment public.payment;
BEGIN
    SELECT c.member_id, c.member_active, c.staff_id, c.terminal_id, s.terminal_required,
           pp.id AS pay_point_id, s.id AS shop_id, s.name,
           s.merchant_id, m.commission_bp, s.status = 'open' AND m.status = 'active' AS trading,
           k.member_id IS NOT NULL AS known_here
    INTO v_who
    FROM kaquan.find_caller(p_token_digest) c
    LEFT JOIN public.pay_point pp ON pp.token = p_pay_point AND pp.status = 'active'
    LEFT JOIN public.store s
        ON s.id = CASE WHEN p_pay_point IS NULL THEN c.store_id ELSE pp.store_id END
    LEFT JOIN public.merchant m ON m.id = s.merchant_id
    LEFT JOIN public.member_merchant k ON k.member_id = c.member_id AND k.merchant_id = s.merchant_id;
    IF NOT FOUND OR (p_pay_point IS NULL) <> (v_who.member_id IS NULL) THEN
        verdict := 'unauthenticated';
        RETURN;
    END IF;
    v_caller := coalesce('member:' || v_who.member_id, 'staff:' || v_who.staff_id);
    SELECT * INTO v_claim FROM kaquan.claim_key(v_caller, p_key, p_request_hash);
    IF v_claim.verdict <> 'new' THEN
        verdict := CASE v_claim.verdict WHEN 'busy' THEN 'request_in_progress'
                                        WHEN 'reused' THEN 'idempotency_key_reused'
                                        WHEN 'takeover' THEN 'pending' ELSE v_claim.verdict END;
        http_status := v_claim.http_status;
        answer := v_claim.answer;
        payment_id := v_claim.subject_id;
        RETURN;
    END IF;

    IF v_who.shop_id IS NULL THEN
        verdict := CASE WHEN p_pay_point IS NULL THEN 'store_required' ELSE 'pay_point_not_found' END;
        RETURN;
    ELSIF NOT v_who.trading THEN
        verdict := 'store_closed';
        RETURN;
    ELSIF p_pay_point IS NULL AND v_who.terminal_required AND v_who.terminal_id IS NULL THEN
        verdict := 'terminal_required';
        RETURN;
    END IF;
    v_member_id := v_who.member_id;
    v_active := v_who.member_active;
    IF p_payment_code IS NOT NULL THEN
        SELECT c.member_id, m.status = 'active' INTO v_member_id, v_active
        FROM public.payment_code c JOIN public.member m ON m.id = c.member_id
        WHERE c.code_digest = p_payment_code AND c.used_at IS NULL AND c.expires_at > v_now
        FOR NO KEY UPDATE OF c;
        IF NOT FOUND THEN
            verdict := 'payment_code_invalid';
            RETURN;
        END IF;
    END IF;
    IF NOT v_active THEN
        verdict := 'member_frozen';
        RETURN;
    END IF;

    IF p_payment_code IS NOT NULL THEN
        UPDATE public.payment_code SET used_at = v_now WHERE code_digest = p_payment_code;
    END IF;
    payment_id := nextval('public.payment_id_seq');
    SELECT * INTO v_taken
    FROM kaquan.allocate(v_member_id, v_who.merchant_id, payment_id, p_amount_fen, v_now);
    verdict := CASE WHEN v_taken.card_fen = p_amount_fen THEN 'paid' ELSE 'pending' END;
    INSERT INTO public.payment (
        id, payment_no, merchant_id, store_id, pay_point_id, member_id, staff_id, terminal_id,
        status, amount_fen, card_fen, wechat_fen, commission_bp, commission_fen, created_at, paid_at, expires_at)
    VALUES (
        payment_id, kaquan.document_no('P', payment_id, v_now), v_who.merchant_id, v_who.shop_id,
        v_who.pay_point_id, v_member_id, v_who.staff_id, v_who.terminal_id, verdict, p_amount_fen, v_taken.card_fen,
        p_amount_fen - v_taken.card_fen, v_who.commission_bp,
        kaquan.commission(p_amount_fen, v_who.commission_bp), v_now,
        CASE verdict WHEN 'paid' THEN v_now END,
        CASE verdict WHEN 'pending' THEN v_now + p_lifetime END)
    RETURNING * INTO v_payment;

    IF verdict = 'paid' THEN
        PERFORM kaquan.book(
            'payment', 'payment:' || payment_id || ':ended', v_now,
            v_taken.card_legs
                || kaquan.earn(v_who.merchant_id, v_who.shop_id, p_amount_fen, v_payment.commission_fen,
                               payment_id)
                || v_taken.bonus_legs);
        IF NOT v_who.known_here THEN
            PERFORM kaquan.meet(v_member_id, v_who.merchant_id);
        END IF;
        http_status := 201;
        answer := kaquan.paid_answer(v_payment, v_who.name);
    ELSIF v_taken.card_fen > 0 THEN
        PERFORM kaquan.book(
            'payment_held', 'payment:' || payment_id || ':held', v_now,
            v_taken.card_legs || ROW('held', -v_taken.card_fen, v_who.merchant_id, v_who.shop_id, NULL,
                                     NULL, payment_id, NULL, NULL, NULL, NULL)::kaquan.leg);
    END IF;
    INSERT INTO public.outbox_message (topic, subject_id, merchant_id, store_id)
    VALUES ('payment.' || verdict, payment_id, v_who.merchant_id, v_who.shop_id);
    -- The key is ours alone until the commit, so there is nothing to merge with.
    INSERT INTO public.idempotency_record
        (caller, key, request_hash, subject_id, http_status, answer, lease_until)
    VALUES (v_caller, p_key, p_request_hash, payment_id, http_status, answer,
            CASE verdict WHEN 'pending' THEN v_now + p_lease END);
    INSERT INTO public.audit_record
        (action, subject_id, merchant_id, store_id, staff_id, member_id, detail)
    VALUES ('payment.' || verdict, payment_id, v_who.merchant_id, v_who.shop_id, v_who.staff_id,
            v_member_id, kaquan.at_terminal(v_who.terminal_id));
END $$;
