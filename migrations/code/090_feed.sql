-- What a store hears of, made of the outbox. The relay calls this in its own transaction, so that no
-- payment ever waits for a notification's lock.

-- Publishes what stores have received among these messages, in their order, and wakes the streams.
-- One at a time until the commit: a feed's ids become visible in their order, whoever commits late.
CREATE OR REPLACE FUNCTION kaquan.publish_feed(p_message_ids bigint[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_count integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('kaquan feed'));
    INSERT INTO public.feed_event (merchant_id, store_id, event, subject_id, body, occurred_at)
    SELECT s.merchant_id, s.id, o.topic, o.subject_id,
           jsonb_build_object(
               'event', o.topic, 'kind', b.kind, 'number', b.number, 'status', b.status,
               'amount_fen', b.amount_fen, 'card_fen', b.card_fen, 'wechat_fen', b.wechat_fen,
               'cash_fen', b.cash_fen, 'bonus_fen', b.bonus_fen, 'reference', b.reference,
               'occurred_at', kaquan.rfc3339(o.created_at)),
           o.created_at
    FROM public.outbox_message o
    CROSS JOIN LATERAL (
        SELECT 'payment' AS kind, p.payment_no AS number, p.status, p.store_id, p.amount_fen,
               p.card_fen, p.wechat_fen, 0 AS cash_fen, 0 AS bonus_fen, NULL AS reference
        FROM public.payment p
        WHERE o.topic IN ('payment.pending', 'payment.paid', 'payment.closed') AND p.id = o.subject_id
        UNION ALL
        SELECT 'redemption', r.redemption_no,
               CASE WHEN r.reversed_at IS NULL THEN 'redeemed' ELSE 'reversed' END, r.store_id,
               r.face_value_fen, 0, 0, 0, 0, r.serial_no
        FROM public.redemption r
        WHERE o.topic IN ('voucher.redeemed', 'voucher.reversed') AND r.id = o.subject_id
        UNION ALL
        SELECT 'top_up', t.top_up_no, t.status, t.store_id, t.amount_fen, 0, 0, t.amount_fen,
               t.bonus_fen, NULL
        FROM public.top_up t
        WHERE o.topic IN ('top_up.credited', 'top_up.reversed') AND t.id = o.subject_id
          AND t.channel = 'cash'
        UNION ALL
        SELECT 'refund', f.refund_no, f.status, f.store_id, f.amount_fen, f.card_fen, f.wechat_fen,
               0, 0, f.order_no
        FROM public.refund f
        WHERE o.topic IN ('refund.made', 'refund.succeeded', 'refund.abnormal')
          AND f.id = o.subject_id AND f.origin = 'payment'
        UNION ALL
        SELECT 'voucher_sale', v.sale_no, v.status, v.store_id, v.amount_fen, 0,
               CASE v.tender WHEN 'wechat' THEN v.amount_fen ELSE 0 END,
               CASE v.tender WHEN 'cash' THEN v.amount_fen ELSE 0 END, 0, NULL
        FROM public.voucher_sale v
        WHERE o.topic IN ('voucher_sale.sold', 'voucher_sale.closed') AND v.id = o.subject_id) b
    JOIN public.store s ON s.id = b.store_id
    WHERE o.id = ANY (p_message_ids)
    ORDER BY o.id;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count > 0 THEN
        PERFORM pg_notify('kaquan_feed', '');
    END IF;
    RETURN v_count;
END $$;
