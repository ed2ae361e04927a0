-- What a till's scan shows before the big button, in one round trip. services/vouchers/redemptions.py calls it.

-- p_code_digests as for kaquan.redeem. No row: there is no such voucher for this store. Where and when
-- it was used is told only of one that is used up: the others cost no further look.
CREATE OR REPLACE FUNCTION kaquan.look_up_voucher(
    p_code_digests bytea[], p_merchant_id bigint, p_store_id bigint)
    RETURNS TABLE (serial_no text, face_value_fen bigint, status text, batch_name text, expires_on date,
                   refusal text, redemption_no text, redeemed_at timestamptz, store_name text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_voucher public.voucher;
    v_batch record;
    v_used record;
BEGIN
    SELECT * INTO v_voucher FROM public.voucher v WHERE v.code_digest = ANY (p_code_digests);
    IF NOT FOUND OR NOT kaquan.batch_accepted(v_voucher.batch_id, p_merchant_id, p_store_id) THEN
        RETURN;
    END IF;
    SELECT b.name, b.kind INTO v_batch FROM public.voucher_batch b WHERE b.id = v_voucher.batch_id;
    serial_no := v_voucher.serial_no;
    face_value_fen := v_voucher.face_value_fen;
    status := v_voucher.status;
    batch_name := v_batch.name;
    expires_on := v_voucher.expires_on;
    refusal := kaquan.voucher_refusal(v_voucher, v_batch.kind, 'payment', clock_timestamp());
    IF v_voucher.status = 'redeemed' THEN
        SELECT r.redemption_no, r.redeemed_at, s.name INTO v_used
        FROM public.redemption r JOIN public.store s ON s.id = r.store_id
        WHERE r.voucher_id = v_voucher.id AND r.reversed_at IS NULL;
        IF FOUND THEN
            redemption_no := v_used.redemption_no;
            redeemed_at := v_used.redeemed_at;
            store_name := v_used.name;
        ELSE
            SELECT t.credited_at INTO redeemed_at FROM public.top_up t
            WHERE t.voucher_id = v_voucher.id AND t.status = 'credited';
        END IF;
    END IF;
    RETURN NEXT;
END;
$$;
