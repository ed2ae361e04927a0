-- Messages to members' WeChat, for those who agreed to one. The relay calls this with what it hands
-- over, and a job by the clock for what expires soon. A payment never waits for any of it.

-- Writes one notice, if the member has agreed to one more and does not have this one already. The
-- message to the outbox makes a job of it.
CREATE OR REPLACE FUNCTION kaquan.write_notice(p_member_id bigint, p_kind text, p_subject_id bigint)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_id bigint;
BEGIN
    IF EXISTS (SELECT FROM public.notice n WHERE n.kind = p_kind AND n.subject_id = p_subject_id
               AND n.member_id = p_member_id) THEN
        RETURN false;
    END IF;
    UPDATE public.notice_consent c SET remaining = c.remaining - 1
    WHERE c.member_id = p_member_id AND c.kind = p_kind AND c.remaining > 0;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO public.notice (member_id, kind, subject_id)
    VALUES (p_member_id, p_kind, p_subject_id) RETURNING id INTO v_id;
    INSERT INTO public.outbox_message (topic, subject_id) VALUES ('notice.written', v_id);
    RETURN true;
END $$;

-- Notices of what has just happened. One relay at a time does this (kaquan.publish_feed's lock).
CREATE OR REPLACE FUNCTION kaquan.write_notices(p_message_ids bigint[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_told record;
    v_count integer := 0;
BEGIN
    FOR v_told IN
        SELECT b.member_id, b.kind, o.subject_id
        FROM public.outbox_message o
        CROSS JOIN LATERAL (
            SELECT p.member_id, 'paid' AS kind FROM public.payment p
            WHERE o.topic = 'payment.paid' AND p.id = o.subject_id
            UNION ALL
            SELECT t.member_id, 'topped_up' FROM public.top_up t
            WHERE o.topic = 'top_up.credited' AND t.id = o.subject_id
            UNION ALL
            SELECT g.sender_id, 'gift_' || g.status FROM public.gift g
            WHERE o.topic IN ('gift.claimed', 'gift.returned') AND g.id = o.subject_id
              AND g.status IN ('claimed', 'returned')
            UNION ALL
            SELECT f.member_id, 'refunded' FROM public.refund f
            WHERE o.topic IN ('refund.made', 'refund.succeeded') AND f.id = o.subject_id
              AND f.status = 'succeeded') b
        JOIN public.notice_consent c
          ON c.member_id = b.member_id AND c.kind = b.kind AND c.remaining > 0
        WHERE o.id = ANY (p_message_ids)
        ORDER BY o.id
    LOOP
        v_count := v_count + kaquan.write_notice(
            v_told.member_id, v_told.kind, v_told.subject_id)::integer;
    END LOOP;
    RETURN v_count;
END $$;

-- Notices of value that ends before p_until: one a lot, also when it lives longer meanwhile.
CREATE OR REPLACE FUNCTION kaquan.write_expiry_notices(p_now timestamptz, p_until timestamptz)
    RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_told record;
    v_count integer := 0;
BEGIN
    FOR v_told IN
        SELECT a.member_id, l.id
        FROM public.notice_consent c
        JOIN public.card a ON a.member_id = c.member_id AND a.status = 'active'
        JOIN public.lot l ON l.card_id = a.id AND l.remaining_fen > 0
        WHERE c.kind = 'expiring' AND c.remaining > 0
          AND l.expires_at > p_now AND l.expires_at <= p_until
          AND NOT EXISTS (SELECT FROM public.notice n WHERE n.kind = 'expiring'
                          AND n.subject_id = l.id AND n.member_id = a.member_id)
        ORDER BY l.expires_at, l.id
        LIMIT 1000
    LOOP
        v_count := v_count + kaquan.write_notice(v_told.member_id, 'expiring', v_told.id)::integer;
    END LOOP;
    RETURN v_count;
END $$;
