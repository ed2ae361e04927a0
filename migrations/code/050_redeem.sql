-- A cashier scans one paper voucher, in one round trip. services/vouchers/redemptions.py calls it.

-- Why a voucher cannot be used at this moment for that purpose; NULL when it can.
CREATE OR REPLACE FUNCTION kaquan.voucher_refusal(
    p_voucher public.voucher, p_batch_kind text, p_use text, p_at timestamptz) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE
        WHEN p_voucher.status = 'redeemed' THEN 'voucher_already_redeemed'
        WHEN p_voucher.status = 'voided' THEN 'voucher_voided'
        WHEN p_voucher.status = 'expired'
            OR p_voucher.expires_on < (p_at AT TIME ZONE 'Asia/Shanghai')::date THEN 'voucher_expired'
        WHEN p_voucher.status = 'inactive' THEN 'voucher_not_active'
        WHEN p_voucher.frozen THEN 'voucher_frozen'
        WHEN p_batch_kind NOT IN (p_use, 'either') THEN 'voucher_of_other_kind'
    END;

CREATE OR REPLACE FUNCTION kaquan.batch_accepted(p_batch_id bigint, p_merchant_id bigint, p_store_id bigint)
    RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN EXISTS (SELECT FROM public.batch_acceptance a
                   WHERE a.batch_id = p_batch_id AND a.merchant_id = p_merchant_id
                     AND (a.store_id IS NULL OR a.store_id = p_store_id));

-- What a redemption books: the paper is worth nothing any more, the store has earned it, and whoever bears
-- the discount at which it was sold (p_borne_fen, NULL when that is not the issuer) is charged.
CREATE OR REPLACE FUNCTION kaquan.redemption_legs(
    p_batch_id bigint, p_issuer_id bigint, p_merchant_id bigint, p_store_id bigint, p_face_fen bigint,
    p_commission_fen bigint, p_borne_fen bigint) RETURNS kaquan.leg[] LANGUAGE sql IMMUTABLE
    RETURN ROW('voucher', p_face_fen, p_issuer_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               p_batch_id)::kaquan.leg
        || kaquan.earn(p_merchant_id, p_store_id, p_face_fen, p_commission_fen, NULL)
        || CASE WHEN p_borne_fen IS NULL THEN '{}'::kaquan.leg[]
                ELSE kaquan.charge_bearer(p_issuer_id, p_borne_fen, NULL) END;

CREATE OR REPLACE FUNCTION kaquan.redeemed_answer(r public.redemption) RETURNS text
    LANGUAGE sql STABLE
    RETURN json_build_object(
        'redemption_no', r.redemption_no, 'serial_no', r.serial_no, 'face_value_fen', r.face_value_fen,
        'redeemed_at', kaquan.rfc3339(r.redeemed_at))::text;

-- p_code_digests: the code's digest under every key version. verdict: 'redeemed', 'replay', or a
-- refusal's code; voucher_id then names the voucher when the caller may know of it.
CREATE OR REPLACE FUNCTION kaquan.redeem(
    p_token_digest bytea, p_key text, p_request_hash bytea, p_code_digests bytea[],
    OUT verdict text, OUT http_status integer, OUT answer text, OUT voucher_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_who record;
    v_claim record;
    v_shop record;
    v_batch record;
    v_voucher public.voucher;
    v_redemption public.redemption;
    v_id bigint;
    v_commission bigint;
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
    SELECT s.id, s.merchant_id, s.terminal_required, m.commission_bp, s.status = 'open' AND m.status = 'active' AS trading
    INTO v_shop
    FROM public.store s JOIN public.merchant m ON m.id = s.merchant_id WHERE s.id = v_who.store_id;
    IF NOT FOUND OR NOT v_shop.trading THEN
        verdict := CASE WHEN v_who.store_id IS NULL THEN 'store_required' ELSE 'store_closed' END;
        RETURN;
    ELSIF v_shop.terminal_required AND v_who.terminal_id IS NULL THEN
        verdict := 'terminal_required';
        RETURN;
    END IF;

    SELECT * INTO v_voucher FROM public.voucher
    WHERE code_digest = ANY (p_code_digests) FOR NO KEY UPDATE;
    IF NOT FOUND OR NOT kaquan.batch_accepted(v_voucher.batch_id, v_shop.merchant_id, v_shop.id) THEN
        verdict := 'voucher_not_found';
        RETURN;
    END IF;
    voucher_id := v_voucher.id;
    SELECT kind, bearer, merchant_id, sale_price_fen INTO v_batch
    FROM public.voucher_batch WHERE id = v_voucher.batch_id;
    verdict := kaquan.voucher_refusal(v_voucher, v_batch.kind, 'payment', v_now);
    IF verdict IS NOT NULL THEN
        RETURN;
    END IF;

    v_id := nextval('public.redemption_id_seq');
    v_commission := kaquan.commission(v_voucher.face_value_fen, v_shop.commission_bp);
    UPDATE public.voucher SET status = 'redeemed', redeemed_at = v_now WHERE id = v_voucher.id;
    INSERT INTO public.redemption (
        id, redemption_no, merchant_id, store_id, staff_id, terminal_id, voucher_id, batch_id,
        serial_no, face_value_fen, commission_bp, commission_fen, redeemed_at)
    VALUES (v_id, kaquan.document_no('R', v_id, v_now), v_shop.merchant_id, v_shop.id, v_who.staff_id,
            v_who.terminal_id, v_voucher.id, v_voucher.batch_id, v_voucher.serial_no,
            v_voucher.face_value_fen, v_shop.commission_bp, v_commission, v_now)
    RETURNING * INTO v_redemption;
    PERFORM kaquan.book('redemption', 'redemption:' || v_id, v_now, kaquan.redemption_legs(
        v_voucher.batch_id, v_batch.merchant_id, v_shop.merchant_id, v_shop.id, v_voucher.face_value_fen,
        v_commission,
        CASE v_batch.bearer WHEN 'issuer' THEN v_voucher.face_value_fen - v_batch.sale_price_fen END));

    verdict := 'redeemed';
    http_status := 201;
    answer := kaquan.redeemed_answer(v_redemption);
    PERFORM kaquan.keep_answer('staff:' || v_who.staff_id, p_key, p_request_hash, v_id, 201, answer);
    INSERT INTO public.outbox_message (topic, subject_id, merchant_id, store_id)
    VALUES ('voucher.redeemed', v_id, v_shop.merchant_id, v_shop.id);
    INSERT INTO public.audit_record (action, subject_id, merchant_id, store_id, staff_id, detail)
    VALUES ('voucher.redeemed', v_id, v_shop.merchant_id, v_shop.id, v_who.staff_id,
            kaquan.at_terminal(v_who.terminal_id));
END $$;
