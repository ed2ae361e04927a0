-- Money onto a card. kaquan.credit_top_up books every channel's top-up; kaquan.top_up_with_cash is the
-- whole call of a counter in one round trip. services/sales/top_ups.py calls both.

-- The member's card of a program, opened when there is none yet. The card is locked.
CREATE OR REPLACE FUNCTION kaquan.card_of(p_member_id bigint, p_program_id bigint, p_at timestamptz)
    RETURNS public.card
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_card public.card;
    v_id bigint;
BEGIN
    LOOP
        SELECT * INTO v_card FROM public.card
        WHERE member_id = p_member_id AND program_id = p_program_id
          AND status NOT IN ('replaced', 'returned')
        FOR NO KEY UPDATE;
        EXIT WHEN FOUND;
        v_id := nextval('public.card_id_seq');
        INSERT INTO public.card (id, merchant_id, program_id, member_id, card_no, created_at)
        SELECT v_id, p.merchant_id, p.id, p_member_id, kaquan.document_no('9', v_id, p_at), p_at
        FROM public.card_program p WHERE p.id = p_program_id
        ON CONFLICT (member_id, program_id) WHERE status NOT IN ('replaced', 'returned') DO NOTHING;
        PERFORM kaquan.meet(p_member_id, p.merchant_id) FROM public.card_program p
        WHERE p.id = p_program_id AND p.merchant_id <> 1;
    END LOOP;
    RETURN v_card;
END $$;

CREATE OR REPLACE FUNCTION kaquan.bonus_for(p_program_id bigint, p_amount_fen bigint) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN coalesce((SELECT bonus_fen FROM public.bonus_tier
                     WHERE program_id = p_program_id AND threshold_fen <= p_amount_fen
                     ORDER BY threshold_fen DESC LIMIT 1), 0);

-- Money that has been asked for and may still arrive for a member's card (or an unbound phone's).
CREATE OR REPLACE FUNCTION kaquan.on_its_way(p_member_id bigint, p_phone_digest bytea, p_program_id bigint)
    RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN (SELECT coalesce(sum(amount_fen + bonus_fen), 0)::bigint FROM public.top_up
            WHERE program_id = p_program_id AND status IN ('pending', 'closing', 'paid')
              AND (member_id = p_member_id OR (member_id IS NULL AND phone_digest = p_phone_digest)));

-- Fills a locked card from where the money is: 'bank:wechat', 'pending:top-up', 'cash:store', 'voucher'.
CREATE OR REPLACE FUNCTION kaquan.credit_top_up(
    p_top_up_id bigint, p_card_id bigint, p_from text, p_at timestamptz) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_top_up public.top_up;
    v_program public.card_program;
    v_batch record;
    v_bearer_id bigint;
    v_legs kaquan.leg[];
BEGIN
    UPDATE public.top_up SET status = 'credited', card_id = p_card_id, credited_at = p_at,
        member_id = (SELECT member_id FROM public.card WHERE id = p_card_id),
        paid_at = coalesce(paid_at, p_at)
    WHERE id = p_top_up_id RETURNING * INTO v_top_up;
    SELECT * INTO v_program FROM public.card_program WHERE id = v_top_up.program_id;
    IF p_from = 'voucher' THEN
        SELECT b.id, b.merchant_id, b.bearer INTO v_batch FROM public.voucher v
        JOIN public.voucher_batch b ON b.id = v.batch_id WHERE v.id = v_top_up.voucher_id;
        v_bearer_id := CASE v_batch.bearer WHEN 'issuer' THEN v_batch.merchant_id END;
        v_legs := ARRAY[ROW('voucher', v_top_up.amount_fen + v_top_up.bonus_fen, v_batch.merchant_id, NULL,
                            NULL, NULL, NULL, NULL, p_top_up_id, NULL, v_batch.id)::kaquan.leg];
    ELSE
        v_bearer_id := CASE v_program.bonus_bearer WHEN 'issuer' THEN v_program.merchant_id END;
        v_legs := ARRAY[
            ROW(p_from, v_top_up.amount_fen,
                CASE p_from WHEN 'cash:store'
                    THEN (SELECT merchant_id FROM public.store WHERE id = v_top_up.store_id) ELSE 1 END,
                CASE p_from WHEN 'cash:store' THEN v_top_up.store_id END,
                NULL, NULL, NULL, NULL, p_top_up_id, NULL, NULL)::kaquan.leg,
            ROW(CASE WHEN v_bearer_id IS NULL THEN 'expense:bonus' ELSE 'bonus-borne:merchant' END,
                v_top_up.bonus_fen, coalesce(v_bearer_id, 1), NULL, NULL, NULL, NULL, NULL, p_top_up_id,
                NULL, NULL)::kaquan.leg];
    END IF;
    IF v_top_up.amount_fen > 0 THEN
        v_legs := v_legs || ROW('card', -v_top_up.amount_fen, v_program.merchant_id, NULL, p_card_id,
            kaquan.open_lot(p_card_id, 'principal', v_top_up.amount_fen, NULL,
                            p_at + v_program.principal_days * interval '1 day', 2),
            NULL, NULL, p_top_up_id, NULL, NULL)::kaquan.leg;
    END IF;
    IF v_top_up.bonus_fen > 0 THEN
        v_legs := v_legs || ROW('card', -v_top_up.bonus_fen, v_program.merchant_id, NULL, p_card_id,
            kaquan.open_lot(p_card_id, 'bonus', v_top_up.bonus_fen, v_bearer_id,
                            p_at + v_program.bonus_days * interval '1 day', 0),
            NULL, NULL, p_top_up_id, NULL, NULL)::kaquan.leg;
    END IF;
    PERFORM kaquan.book('top_up_' || v_top_up.channel, 'top-up:' || p_top_up_id || ':credited', p_at, v_legs);
    INSERT INTO public.outbox_message (topic, subject_id, merchant_id, store_id)
    VALUES ('top_up.credited', p_top_up_id, v_top_up.merchant_id, v_top_up.store_id);
END $$;

-- The till's role, its cashier's limit of the day and the program's rules, looked at under locks.
-- p_phone_digest, p_payment_code and p_card_no: exactly one says whom. detail_fen goes with a refusal.
CREATE OR REPLACE FUNCTION kaquan.top_up_with_cash(
    p_token_digest bytea, p_key text, p_request_hash bytea, p_phone_digest bytea, p_payment_code bytea,
    p_card_no text, p_program_id bigint, p_amount_fen bigint,
    OUT verdict text, OUT http_status integer, OUT answer text, OUT detail_fen bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_today timestamptz := date_trunc('day', v_now, 'Asia/Shanghai');
    v_who record;
    v_claim record;
    v_shop record;
    v_program public.card_program;
    v_member record;
    v_card public.card;
    v_limit bigint;
    v_bonus bigint;
    v_shift_id bigint;
    v_id bigint;
    v_no text;
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
    SELECT s.id, s.merchant_id, s.shift_required, s.terminal_required, s.status = 'open' AND m.status = 'active' AS trading INTO v_shop
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

    IF p_card_no IS NOT NULL THEN
        SELECT m.id, m.status, m.nickname, m.phone_masked, c.program_id INTO v_member
        FROM public.card c JOIN public.member m ON m.id = c.member_id
        WHERE c.card_no = p_card_no AND c.status NOT IN ('replaced', 'returned');
    ELSIF p_phone_digest IS NOT NULL THEN
        SELECT m.id, m.status, m.nickname, m.phone_masked, NULL::bigint AS program_id INTO v_member
        FROM public.member m WHERE m.phone_digest = p_phone_digest;
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
    SELECT p.* INTO v_program FROM public.card_program p
    JOIN public.program_acceptance a ON a.program_id = p.id AND a.merchant_id = v_shop.merchant_id
    WHERE p.status = 'onsale' AND CASE
        WHEN v_member.program_id IS NOT NULL
            THEN p.id = v_member.program_id AND p.id = coalesce(p_program_id, p.id)
        WHEN p_program_id IS NOT NULL THEN p.id = p_program_id
        ELSE p.is_default END;
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
        SELECT v_limit - coalesce(sum(amount_fen), 0) INTO detail_fen FROM public.top_up
        WHERE store_id = v_shop.id AND staff_id = v_who.staff_id AND channel = 'cash'
          AND status = 'credited' AND created_at >= v_today;
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

    v_id := nextval('public.top_up_id_seq');
    v_no := kaquan.document_no('T', v_id, v_now);
    INSERT INTO public.top_up (id, top_up_no, merchant_id, store_id, program_id, channel, status, amount_fen,
                               bonus_fen, member_id, staff_id, terminal_id, shift_id, created_at)
    VALUES (v_id, v_no, v_program.merchant_id, v_shop.id, v_program.id, 'cash', 'pending', p_amount_fen,
            v_bonus, v_member.id, v_who.staff_id, v_who.terminal_id, v_shift_id, v_now);
    PERFORM kaquan.credit_top_up(v_id, v_card.id, 'cash:store', v_now);
    IF v_shift_id IS NOT NULL THEN
        INSERT INTO public.shift_entry (entry_id, shift_id, kind, merchant_id, store_id, staff_id)
        SELECT e.id, v_shift_id, e.kind, v_shop.merchant_id, v_shop.id, v_who.staff_id
        FROM public.journal_entry e WHERE e.reference = 'top-up:' || v_id || ':credited';
    END IF;
    UPDATE public.payment_code SET used_at = v_now WHERE code_digest = p_payment_code;
    PERFORM kaquan.meet(v_member.id, v_shop.merchant_id);
    verdict := 'credited';
    http_status := 201;
    answer := json_build_object(
        'id', v_id::text, 'top_up_no', v_no, 'status', 'credited', 'amount_fen', p_amount_fen,
        'bonus_fen', v_bonus, 'credited_fen', p_amount_fen + v_bonus, 'created_at', kaquan.rfc3339(v_now),
        'member', json_build_object('nickname', v_member.nickname, 'phone_masked', v_member.phone_masked),
        'card', json_build_object('id', v_card.id::text, 'card_no', v_card.card_no,
                                  'balance_fen', v_card.balance_fen + p_amount_fen + v_bonus))::text;
    PERFORM kaquan.keep_answer('staff:' || v_who.staff_id, p_key, p_request_hash, v_id, 201, answer);
    INSERT INTO public.audit_record
        (action, subject_id, merchant_id, store_id, staff_id, member_id, detail)
    VALUES ('top_up.cash', v_id, v_shop.merchant_id, v_shop.id, v_who.staff_id, v_member.id,
            kaquan.at_terminal(v_who.terminal_id));
END $$;
