-- Money onto a card: what every channel's top-up needs, and how those that were asked for before are booked.
-- Cash at a counter stands in 062_cash_top_up.sql. services/sales/top_ups.py calls them.

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

-- Who bears a bonus is charged for it when it is given: an issuer (p_bearer_id), or the platform.
CREATE OR REPLACE FUNCTION kaquan.bonus_given(p_bearer_id bigint, p_bonus_fen bigint, p_top_up_id bigint)
    RETURNS kaquan.leg LANGUAGE sql IMMUTABLE
    RETURN ROW(CASE WHEN p_bearer_id IS NULL THEN 'expense:bonus' ELSE 'bonus-borne:merchant' END,
               p_bonus_fen, coalesce(p_bearer_id, 1), NULL, NULL, NULL, NULL, NULL, p_top_up_id, NULL,
               NULL)::kaquan.leg;

DO $$ BEGIN
    IF to_regtype('kaquan.fill') IS NULL THEN
        CREATE TYPE kaquan.fill AS (
            top_up_id bigint, issuer_id bigint, card_id bigint, amount_fen bigint, bonus_fen bigint,
            bonus_bearer_id bigint, principal_days integer, bonus_days integer);
    END IF;
END $$;

-- The lots that top-ups give, empty as yet, and the legs which fill them. No card comes twice.
CREATE OR REPLACE FUNCTION kaquan.fill_cards(p_fills kaquan.fill[], p_at timestamptz)
    RETURNS TABLE (top_up_id bigint, leg kaquan.leg) LANGUAGE sql AS $$
    WITH lot AS (
        INSERT INTO public.lot (merchant_id, card_id, kind, original_fen, remaining_fen, bonus_bearer_id,
                                expires_at, gifts_left, created_at)
        SELECT f.issuer_id, f.card_id, l.kind, l.fen, 0, l.bearer_id, p_at + l.days * interval '1 day',
               l.gifts_left, p_at
        FROM unnest(p_fills) f CROSS JOIN LATERAL (VALUES
            ('principal', f.amount_fen, NULL, f.principal_days, 2),
            ('bonus', f.bonus_fen, f.bonus_bearer_id, f.bonus_days, 0)
        ) l (kind, fen, bearer_id, days, gifts_left)
        WHERE l.fen > 0
        ORDER BY f.top_up_id, l.kind DESC
        RETURNING id, card_id, merchant_id, original_fen)
    SELECT f.top_up_id, ROW('card', -lot.original_fen, lot.merchant_id, NULL, lot.card_id, lot.id, NULL, NULL,
                            f.top_up_id, NULL, NULL)::kaquan.leg
    FROM lot JOIN unnest(p_fills) f ON f.card_id = lot.card_id
    ORDER BY lot.id;
$$;

-- A top-up that was written down before: onto a locked card, from where its money is, which is 'bank:wechat',
-- 'pending:top-up', 'cash:store' or 'voucher'.
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
            kaquan.bonus_given(v_bearer_id, v_top_up.bonus_fen, p_top_up_id)];
    END IF;
    v_legs := v_legs || ARRAY(SELECT f.leg FROM kaquan.fill_cards(ARRAY[ROW(
        p_top_up_id, v_program.merchant_id, p_card_id, v_top_up.amount_fen, v_top_up.bonus_fen, v_bearer_id,
        v_program.principal_days, v_program.bonus_days)::kaquan.fill], p_at) f);
    PERFORM kaquan.book('top_up_' || v_top_up.channel, 'top-up:' || p_top_up_id || ':credited', p_at, v_legs);
    INSERT INTO public.outbox_message (topic, subject_id, merchant_id, store_id)
    VALUES ('top_up.credited', p_top_up_id, v_top_up.merchant_id, v_top_up.store_id);
END $$;
