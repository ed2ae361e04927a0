-- Cash at a counter, onto a member's card: kaquan.top_up_with_cash is the whole call in one round trip.
-- services/sales/cash_top_ups.py calls it.

DO $$ BEGIN
    IF to_regtype('kaquan.cash_top_up') IS NULL THEN
        CREATE TYPE kaquan.receiver AS (
            id bigint, status text, nickname text, phone_masked text, program_id bigint);
        CREATE TYPE kaquan.cash_top_up AS (
            place integer, id bigint, key text, request_hash bytea, staff_id bigint, terminal_id bigint,
            store_id bigint, merchant_id bigint, shift_id bigint, amount_fen bigint, bonus_fen bigint,
            member_id bigint, nickname text, phone_masked text, card_id bigint, card_no text,
            balance_fen bigint, program_id bigint, issuer_id bigint, bonus_bearer_id bigint,
            principal_days integer, bonus_days integer, taken_today_fen bigint);
    END IF;
END $$;

-- Whose card it is that a cashier names: a phone's owner, or a card's. program_id only with a card.
CREATE OR REPLACE FUNCTION kaquan.find_receiver(p_phone_digest bytea, p_card_no text)
    RETURNS SETOF kaquan.receiver LANGUAGE sql STABLE AS $$
    SELECT m.id, m.status, m.nickname, m.phone_masked, NULL::bigint
    FROM public.member m WHERE m.phone_digest = p_phone_digest
    UNION ALL
    SELECT m.id, m.status, m.nickname, m.phone_masked, c.program_id
    FROM public.card c JOIN public.member m ON m.id = c.member_id
    WHERE c.card_no = p_card_no AND c.status NOT IN ('replaced', 'returned');
$$;

-- The program on sale at a merchant that is topped up: the card's that was named, the one that was asked
-- for, or else the usual one.
CREATE OR REPLACE FUNCTION kaquan.find_program(p_merchant_id bigint, p_of_card_id bigint, p_asked_id bigint)
    RETURNS SETOF public.card_program
    LANGUAGE sql STABLE AS $$
    SELECT p.* FROM public.program_acceptance a JOIN public.card_program p ON p.id = a.program_id
    WHERE a.merchant_id = p_merchant_id AND p.status = 'onsale' AND CASE
        WHEN p_of_card_id IS NOT NULL THEN p.id = p_of_card_id AND p.id = coalesce(p_asked_id, p.id)
        WHEN p_asked_id IS NOT NULL THEN p.id = p_asked_id
        ELSE p.is_default END;
$$;

-- What a cashier with a limit has taken today: kept by kaquan.take_cash, or added up when it is not. Whoever
-- asks holds the cashier's row.
CREATE OR REPLACE FUNCTION kaquan.cash_taken_today(p_staff_id bigint, p_at timestamptz) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT d.taken_fen FROM public.cash_day d
         WHERE d.staff_id = p_staff_id AND d.on_day = (p_at AT TIME ZONE 'Asia/Shanghai')::date),
        (SELECT sum(t.amount_fen)::bigint FROM public.top_up t
         WHERE t.staff_id = p_staff_id AND t.channel = 'cash' AND t.status = 'credited'
           AND t.created_at >= date_trunc('day', p_at, 'Asia/Shanghai')),
        0);
$$;

-- Cash that is taken: top-ups, lots, ledger, drawers, answers and records of it, for one or for many. All
-- rules have been asked, the keys are claimed, the cards locked; no card comes twice. place says whose the
-- answer is.
CREATE OR REPLACE FUNCTION kaquan.take_cash(p_top_ups kaquan.cash_top_up[], p_at timestamptz)
    RETURNS TABLE (place integer, http_status integer, answer text)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_legs kaquan.leg[];
    v_references text[];
BEGIN
    RETURN QUERY
    WITH credited AS (
        INSERT INTO public.top_up (
            id, top_up_no, merchant_id, store_id, program_id, channel, status, amount_fen, bonus_fen, member_id,
            card_id, staff_id, terminal_id, shift_id, created_at, paid_at, credited_at)
        SELECT t.id, kaquan.document_no('T', t.id, p_at), t.issuer_id, t.store_id, t.program_id, 'cash',
               'credited', t.amount_fen, t.bonus_fen, t.member_id, t.card_id, t.staff_id, t.terminal_id,
               t.shift_id, p_at, p_at, p_at
        FROM unnest(p_top_ups) t
        RETURNING id, top_up_no)
    INSERT INTO public.idempotency_record AS r (caller, key, request_hash, subject_id, http_status, answer)
    SELECT 'staff:' || t.staff_id, t.key, t.request_hash, t.id, 201, json_build_object(
        'id', t.id::text, 'top_up_no', c.top_up_no, 'status', 'credited', 'amount_fen', t.amount_fen,
        'bonus_fen', t.bonus_fen, 'credited_fen', t.amount_fen + t.bonus_fen,
        'created_at', kaquan.rfc3339(p_at),
        'member', json_build_object('nickname', t.nickname, 'phone_masked', t.phone_masked),
        'card', json_build_object('id', t.card_id::text, 'card_no', t.card_no,
                                  'balance_fen', t.balance_fen + t.amount_fen + t.bonus_fen))::text
    FROM unnest(p_top_ups) t JOIN credited c USING (id)
    RETURNING (SELECT t.place FROM unnest(p_top_ups) t WHERE t.id = r.subject_id), r.http_status, r.answer;

    SELECT array_agg(l.leg), array_agg('top-up:' || l.id || ':credited') INTO v_legs, v_references FROM (
        SELECT t.id, ROW('cash:store', t.amount_fen, t.merchant_id, t.store_id, NULL, NULL, NULL, NULL, t.id,
                         NULL, NULL)::kaquan.leg AS leg
        FROM unnest(p_top_ups) t
        UNION ALL
        SELECT t.id, kaquan.bonus_given(t.bonus_bearer_id, t.bonus_fen, t.id) FROM unnest(p_top_ups) t
        UNION ALL
        SELECT * FROM kaquan.fill_cards(ARRAY(
            SELECT ROW(t.id, t.issuer_id, t.card_id, t.amount_fen, t.bonus_fen, t.bonus_bearer_id,
                       t.principal_days, t.bonus_days)::kaquan.fill
            FROM unnest(p_top_ups) t), p_at)) l;
    PERFORM kaquan.book_together('top_up_cash', p_at, v_legs, v_references);

    -- NULL for a cashier without a limit, whose row nobody holds.
    INSERT INTO public.cash_day AS d (staff_id, on_day, taken_fen)
    SELECT t.staff_id, (p_at AT TIME ZONE 'Asia/Shanghai')::date, t.taken_today_fen + t.amount_fen
    FROM unnest(p_top_ups) t WHERE t.taken_today_fen IS NOT NULL
    ON CONFLICT (staff_id) DO UPDATE SET on_day = excluded.on_day, taken_fen = excluded.taken_fen;
    INSERT INTO public.shift_entry (entry_id, shift_id, kind, merchant_id, store_id, staff_id)
    SELECT e.id, t.shift_id, e.kind, t.merchant_id, t.store_id, t.staff_id
    FROM unnest(p_top_ups) t
    JOIN public.journal_entry e ON e.reference = 'top-up:' || t.id || ':credited'
    WHERE t.shift_id IS NOT NULL;
    INSERT INTO public.outbox_message (topic, subject_id, merchant_id, store_id)
    SELECT 'top_up.credited', t.id, t.issuer_id, t.store_id FROM unnest(p_top_ups) t;
    INSERT INTO public.audit_record (action, subject_id, merchant_id, store_id, staff_id, member_id, detail)
    SELECT 'top_up.cash', t.id, t.merchant_id, t.store_id, t.staff_id, t.member_id,
           kaquan.at_terminal(t.terminal_id)
    FROM unnest(p_top_ups) t;
END $$;

-- The till's role, its cashier's limit of the day and the program's rules, looked at under locks.
-- p_phone_digest, p_payment_code and p_card_no: exactly one says whom. detail_fen goes with a refusal.
CREATE OR REPLACE FUNCTION kaquan.top_up_with_cash(
    p_token_digest bytea, p_key text, p_request_hash bytea, p_phone_digest bytea, p_payment_code bytea,
    p_card_no text, p_program_id bigint, p_amount_fen bigint,
    OUT verdict text, OUT http_status integer, OUT answer text, OUT detail_fen bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_who record;
    v_claim record;
    v_shop record;
    v_program public.card_program;
    v_member kaquan.receiver;
    v_card public.card;
    v_limit bigint;
    v_taken bigint;
    v_bonus bigint;
    v_shift_id bigint;
BEGIN
    SELECT * INTO v_who FROM kaquan.find_caller(p_token_digest);
    IF NOT FOUND OR v_who.staff_id IS NULL THEN
        verdict := 'unauthenticated';
        RETURN;
    END IF;
    SELECT * INTO v_claim FROM kaquan.claim_key('staff:' || v_who.staff_id, p_key, p_request_hash);
    IF v_claim.verdict <> 'new' THEN
        verdict := CASE v_claim.verdict WHEN 'replay' THEN 'replay'
                                        WHEN 'reused' THEN 'idempotency_key_reused'
                                        ELSE 'request_in_progress' END;
        http_status := v_claim.http_status;
        answer := v_claim.answer;
        RETURN;
    END IF;
    SELECT s.id, s.merchant_id, s.shift_required, s.terminal_required,
           s.status = 'open' AND m.status = 'active' AS trading
    INTO v_shop
    FROM public.store s JOIN public.merchant m ON m.id = s.merchant_id WHERE s.id = v_who.store_id;
    IF NOT FOUND OR NOT v_shop.trading THEN
        verdict := CASE WHEN v_who.store_id IS NULL THEN 'store_required' ELSE 'store_closed' END;
        RETURN;
    ELSIF v_shop.terminal_required AND v_who.terminal_id IS NULL THEN
        verdict := 'terminal_required';
        RETURN;
    END IF;
    -- Whoever closes the shift waits for us, or we find it closed.
    SELECT id INTO v_shift_id FROM public.shift
    WHERE drawer = kaquan.drawer(v_shop.id, v_who.terminal_id, v_who.staff_id) AND status = 'open'
    FOR SHARE;
    IF v_shift_id IS NULL AND v_shop.shift_required THEN
        verdict := 'shift_required';
        RETURN;
    END IF;

    IF p_payment_code IS NULL THEN
        SELECT * INTO v_member FROM kaquan.find_receiver(p_phone_digest, p_card_no);
    ELSE
        SELECT m.id, m.status, m.nickname, m.phone_masked, NULL::bigint AS program_id INTO v_member
        FROM public.payment_code pc JOIN public.member m ON m.id = pc.member_id
        WHERE pc.code_digest = p_payment_code AND pc.used_at IS NULL AND pc.expires_at > v_now
        FOR NO KEY UPDATE OF pc;
    END IF;
    IF v_member.id IS NULL THEN
        verdict := CASE WHEN p_card_no IS NOT NULL THEN 'card_not_found'
                        WHEN p_phone_digest IS NOT NULL THEN 'member_not_found'
                        ELSE 'payment_code_invalid' END;
        RETURN;
    ELSIF v_member.status <> 'active' THEN
        verdict := 'member_frozen';
        RETURN;
    END IF;
    SELECT * INTO v_program
    FROM kaquan.find_program(v_shop.merchant_id, v_member.program_id, p_program_id);
    IF NOT FOUND THEN
        verdict := 'program_not_found';
        RETURN;
    ELSIF p_amount_fen < v_program.min_top_up_fen THEN
        verdict := 'top_up_below_minimum';
        detail_fen := v_program.min_top_up_fen;
        RETURN;
    END IF;
    -- The staff row before the card: two counters of one cashier wait here, not with a card in hand.
    SELECT daily_cash_limit_fen INTO v_limit FROM public.staff WHERE id = v_who.staff_id;
    IF v_limit IS NOT NULL THEN
        PERFORM FROM public.staff WHERE id = v_who.staff_id FOR NO KEY UPDATE;
        v_taken := kaquan.cash_taken_today(v_who.staff_id, v_now);
        detail_fen := v_limit - v_taken;
        IF p_amount_fen > detail_fen THEN
            verdict := 'daily_cash_limit_exceeded';
            RETURN;
        END IF;
    END IF;
    -- Every way onto a card looks at its cap under the member's lock.
    PERFORM FROM public.member WHERE id = v_member.id FOR NO KEY UPDATE;
    SELECT * INTO v_card FROM public.card
    WHERE member_id = v_member.id AND program_id = v_program.id
      AND status NOT IN ('replaced', 'returned')
    FOR NO KEY UPDATE;
    v_bonus := kaquan.bonus_for(v_program.id, p_amount_fen);
    detail_fen := v_program.registered_cap_fen - coalesce(v_card.balance_fen, 0)
        - kaquan.on_its_way(v_member.id, NULL, v_program.id);
    IF v_card.status <> 'active' THEN
        verdict := 'card_' || v_card.status;
        RETURN;
    ELSIF p_amount_fen + v_bonus > detail_fen THEN
        verdict := 'card_cap_exceeded';
        RETURN;
    ELSIF v_card.id IS NULL THEN  -- Not before all is well: a refusal leaves no empty card behind.
        v_card := kaquan.card_of(v_member.id, v_program.id, v_now);
    END IF;

    PERFORM kaquan.meet(v_member.id, v_shop.merchant_id);
    UPDATE public.payment_code SET used_at = v_now WHERE code_digest = p_payment_code;
    verdict := 'credited';
    SELECT t.http_status, t.answer INTO http_status, answer FROM kaquan.take_cash(ARRAY[ROW(
        1, nextval('public.top_up_id_seq'), p_key, p_request_hash, v_who.staff_id, v_who.terminal_id,
        v_shop.id, v_shop.merchant_id, v_shift_id, p_amount_fen, v_bonus, v_member.id, v_member.nickname,
        v_member.phone_masked, v_card.id, v_card.card_no, v_card.balance_fen, v_program.id,
        v_program.merchant_id, CASE v_program.bonus_bearer WHEN 'issuer' THEN v_program.merchant_id END,
        v_program.principal_days, v_program.bonus_days, v_taken)::kaquan.cash_top_up], v_now) t;
END $$;
