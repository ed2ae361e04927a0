-- Messages to members' WeChat: the mini-program's for those who agreed to one, else the official
-- account's for those who follow it. The relay calls this with what it hands over, and a job by the
-- clock for what expires soon. A payment never waits for any of it.
DROP FUNCTION IF EXISTS kaquan.write_notice(bigint, text, bigint);
DROP FUNCTION IF EXISTS kaquan.write_notices(bigint[]);
DROP FUNCTION IF EXISTS kaquan.write_expiry_notices(timestamptz, timestamptz);

-- Whether a member follows the official account now: null for whoever never did.
CREATE OR REPLACE FUNCTION kaquan.follows_account(p_member_id bigint, p_appid text)
    RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT bool_or(f.unfollowed_at IS NULL)
    FROM public.member_identity i JOIN public.oa_follower f ON f.openid = i.openid
    WHERE i.member_id = p_member_id AND i.appid = p_appid
$$;

-- Writes one notice, if the member does not have this one already: by the mini-program when she has
-- agreed to one more, else by the official account (p_follows: kaquan.follows_account, and null for
-- what the account does not tell of). Who follows no longer is not told, and the log says so. The
-- message to the outbox makes a job of it.
CREATE OR REPLACE FUNCTION kaquan.write_notice(
    p_member_id bigint, p_kind text, p_subject_id bigint, p_follows boolean)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_id bigint;
    v_channel text := 'mini_program';
    v_reason text := '';
BEGIN
    IF EXISTS (SELECT FROM public.notice n WHERE n.kind = p_kind AND n.subject_id = p_subject_id
               AND n.member_id = p_member_id) THEN
        RETURN false;
    END IF;
    UPDATE public.notice_consent c SET remaining = c.remaining - 1
    WHERE c.member_id = p_member_id AND c.kind = p_kind AND c.remaining > 0;
    IF NOT FOUND THEN
        IF p_follows IS NULL THEN
            RETURN false;
        END IF;
        v_channel := 'official_account';
        v_reason := CASE WHEN p_follows THEN '' ELSE 'unfollowed' END;
    END IF;
    INSERT INTO public.notice (member_id, kind, subject_id, channel, status, reason)
    VALUES (p_member_id, p_kind, p_subject_id, v_channel,
            CASE WHEN v_reason = '' THEN 'waiting' ELSE 'refused' END, v_reason)
    RETURNING id INTO v_id;
    IF v_reason = '' THEN
        INSERT INTO public.outbox_message (topic, subject_id) VALUES ('notice.written', v_id);
    END IF;
    RETURN true;
END $$;

-- Notices of what has just happened. One relay at a time does this (kaquan.publish_feed's lock).
-- p_appid, p_account_kinds: the official account, and what it tells its followers of.
CREATE OR REPLACE FUNCTION kaquan.write_notices(
    p_message_ids bigint[], p_appid text, p_account_kinds text[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_told record;
    v_count integer := 0;
BEGIN
    FOR v_told IN
        SELECT b.member_id, b.kind, o.subject_id, a.follows
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
        CROSS JOIN LATERAL (
            SELECT CASE WHEN b.kind = ANY (p_account_kinds)
                        THEN kaquan.follows_account(b.member_id, p_appid) END AS follows) a
        LEFT JOIN public.notice_consent c
          ON c.member_id = b.member_id AND c.kind = b.kind AND c.remaining > 0
        WHERE o.id = ANY (p_message_ids) AND (c.member_id IS NOT NULL OR a.follows IS NOT NULL)
        ORDER BY o.id
    LOOP
        v_count := v_count + kaquan.write_notice(
            v_told.member_id, v_told.kind, v_told.subject_id, v_told.follows)::integer;
    END LOOP;
    RETURN v_count;
END $$;

-- Notices of value that ends before p_until: one a lot, also when it lives longer meanwhile.
CREATE OR REPLACE FUNCTION kaquan.write_expiry_notices(
    p_now timestamptz, p_until timestamptz, p_appid text, p_account_kinds text[])
    RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_told record;
    v_count integer := 0;
BEGIN
    FOR v_told IN
        SELECT b.member_id, l.id, b.follows
        FROM (
            SELECT DISTINCT ON (t.member_id) t.member_id, t.follows
            FROM (
                SELECT i.member_id, bool_or(f.unfollowed_at IS NULL) AS follows
                FROM public.member_identity i JOIN public.oa_follower f ON f.openid = i.openid
                WHERE i.appid = p_appid AND 'expiring' = ANY (p_account_kinds)
                GROUP BY i.member_id
                UNION ALL
                SELECT c.member_id, NULL FROM public.notice_consent c
                WHERE c.kind = 'expiring' AND c.remaining > 0) t
            ORDER BY t.member_id, t.follows NULLS LAST) b
        JOIN public.card a ON a.member_id = b.member_id AND a.status = 'active'
        JOIN public.lot l ON l.card_id = a.id AND l.remaining_fen > 0
        WHERE l.expires_at > p_now AND l.expires_at <= p_until
          AND NOT EXISTS (SELECT FROM public.notice n WHERE n.kind = 'expiring'
                          AND n.subject_id = l.id AND n.member_id = a.member_id)
        ORDER BY l.expires_at, l.id
        LIMIT 1000
    LOOP
        v_count := v_count + kaquan.write_notice(
            v_told.member_id, 'expiring', v_told.id, v_told.follows)::integer;
    END LOOP;
    RETURN v_count;
END $$;
