-- The part of a payment that the cards do not cover: what WeChat is asked for, read in the statement that
-- holds the card part, and its answer kept by one more. WeChat is asked between the two.

-- The WeChat app in which a member pays: the session's that pays, else where they signed in last. A
-- cashier's session says nothing of the member. No row: in no app that we know of. Without rights and a
-- search path of its own, so that queries take it in whole.
CREATE OR REPLACE FUNCTION kaquan.app_of_payer(p_member_id bigint, p_token_digest bytea)
    RETURNS TABLE (appid text) LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT t.appid FROM public.access_token t
    WHERE t.member_id = p_member_id AND t.appid IS NOT NULL AND t.revoked_at IS NULL
      AND t.expires_at > now()
    ORDER BY (t.token_digest = p_token_digest) IS TRUE DESC, t.id DESC
    LIMIT 1;
$$;

-- WeChat's order for a payment. In which app it is paid is decided here, once, before WeChat is asked:
-- asking again needs the very same order. No row when there is no payment to ask for.
CREATE OR REPLACE FUNCTION kaquan.wechat_order(p_payment_id bigint, p_token_digest bytea, p_usual_appid text)
    RETURNS TABLE (order_no text, order_status text, wechat_fen bigint, store_name text, payer_openid text,
                   appid text, expires_at timestamptz, prepay_id text, caller text)
    LANGUAGE plpgsql STRICT ROWS 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off AS $$
DECLARE
    v_payment public.payment;
    v_app text;
BEGIN
    SELECT * INTO STRICT v_payment FROM public.payment p WHERE p.id = p_payment_id;
    v_app := coalesce(v_payment.payer_appid, p_usual_appid);
    IF v_payment.payer_appid IS NULL AND v_payment.prepay_id IS NULL AND v_payment.status = 'pending' THEN
        v_app := coalesce((SELECT a.appid FROM kaquan.app_of_payer(v_payment.member_id, p_token_digest) a),
                          p_usual_appid);
        -- None stands for the mini-program, so that a member's orders there, which are most, cost no write.
        IF v_app <> p_usual_appid OR v_payment.staff_id IS NOT NULL THEN
            UPDATE public.payment p SET payer_appid = v_app WHERE p.id = p_payment_id;
        END IF;
    END IF;
    RETURN QUERY
    SELECT v_payment.payment_no, v_payment.status::text, v_payment.wechat_fen, s.name,
           coalesce((SELECT i.openid FROM public.member_identity i
                     WHERE i.member_id = v_payment.member_id AND i.appid = v_app LIMIT 1), ''),
           v_app, v_payment.expires_at, v_payment.prepay_id,
           coalesce('staff:' || v_payment.staff_id, 'member:' || v_payment.member_id)
    FROM public.store s WHERE s.id = v_payment.store_id;
END $$;

-- Notes that WeChat has made the order (or, without an id, that it had been paid already) and keeps the
-- answer, which says how the payment stands now: who may open WeChat's sheet is told while it is pending
-- only. It is no matter if the payment has ended meanwhile.
CREATE OR REPLACE FUNCTION kaquan.keep_prepay(
    p_payment_id bigint, p_prepay_id text, p_sheet json, p_caller text, p_key text, p_request_hash bytea)
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_payment public.payment;
    v_answer text;
BEGIN
    UPDATE public.payment p
    SET prepay_id = CASE p.status WHEN 'pending' THEN coalesce(p_prepay_id, p.prepay_id) ELSE p.prepay_id END
    WHERE p.id = p_payment_id
    RETURNING * INTO STRICT v_payment;
    v_answer := kaquan.payment_answer(
        v_payment, (SELECT s.name FROM public.store s WHERE s.id = v_payment.store_id),
        CASE v_payment.status WHEN 'pending' THEN p_sheet END);
    PERFORM kaquan.keep_answer(p_caller, p_key, p_request_hash, p_payment_id, 201, v_answer);
    RETURN v_answer;
END $$;
