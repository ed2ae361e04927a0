-- The ledger: one function writes it, triggers refuse everything else.
-- Amounts are fen; debits are positive. Invariants: docs/invariants.md.

DO $$ BEGIN
    IF to_regtype('kaquan.leg') IS NULL THEN
        CREATE TYPE kaquan.leg AS (
            account text, amount_fen bigint, merchant_id bigint, store_id bigint, card_id bigint,
            lot_id bigint, payment_id bigint, refund_id bigint, top_up_id bigint, gift_id bigint,
            batch_id bigint);
    END IF;
END $$;

-- Half up, like core.money.share.
CREATE OR REPLACE FUNCTION kaquan.commission(p_amount_fen bigint, p_rate_bp integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (2 * p_amount_fen * p_rate_bp + 10000) / 20000;

-- A number for people: a letter, the local day, ten digits. The digits are the id under a bijection
-- of 0..10^10-1 (the factor has no factor in common with 10), so numbers are unique and tell nobody
-- how much business there is.
CREATE OR REPLACE FUNCTION kaquan.document_no(p_letter text, p_id bigint, p_at timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN p_letter || to_char(p_at AT TIME ZONE 'Asia/Shanghai', 'YYMMDD')
        || lpad(((p_id::numeric * 7368787321 + 2718281829) % 10000000000)::text, 10, '0');

-- An instant as it goes over the wire, like core.clock.rfc3339.
CREATE OR REPLACE FUNCTION kaquan.rfc3339(p_at timestamptz) RETURNS text
    LANGUAGE sql STABLE
    RETURN to_char(p_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+08:00"');

-- L1, L2, L6 --------------------------------------------------------------------------------------

-- L1: an entry's postings are written by one statement or not at all, so a check after the statement
-- is enough and nothing has to wait for the commit. L6: a posting's merchant is its account's. The list
-- of accounts stands here because a CHECK is read and planned anew by every INSERT, and a plan is kept.
CREATE OR REPLACE FUNCTION kaquan.check_postings() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    v_broken text;
BEGIN
    SELECT min(broken) INTO v_broken FROM (
        SELECT CASE
            WHEN sum(p.amount_fen) <> 0 THEN 'L1: the postings of an entry must sum to zero'
            WHEN bool_or(p.merchant_id IS DISTINCT FROM CASE
                WHEN p.account = 'card' THEN (SELECT merchant_id FROM public.card WHERE id = p.card_id)
                WHEN p.store_id IS NOT NULL
                    THEN (SELECT merchant_id FROM public.store WHERE id = p.store_id)
                WHEN p.batch_id IS NOT NULL
                    THEN (SELECT merchant_id FROM public.voucher_batch WHERE id = p.batch_id)
                WHEN p.account IN ('payable:merchant', 'bonus-borne:merchant', 'gift') THEN p.merchant_id
                ELSE 1 END) THEN 'L6: a posting names another merchant than its account'
            WHEN bool_or(p.account NOT IN (
                'bank:wechat', 'bank:payout', 'cash:store', 'receivable:voucher-sales',
                'bonus-borne:merchant', 'card', 'held', 'gift', 'voucher', 'payable:merchant',
                'pending:top-up', 'refunds:wechat', 'unapplied:wechat', 'suspense:member',
                'income:commission', 'income:breakage', 'expense:bonus', 'expense:promotion',
                'expense:adjustment', 'expense:wechat-fee')) THEN 'posting_account: there is no such account'
            END AS broken
        FROM added p GROUP BY p.entry_id) entry;
    IF v_broken IS NOT NULL THEN
        RAISE EXCEPTION '%', v_broken USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION kaquan.refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'L2: % is append only; book a reversal instead', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER posting_checked AFTER INSERT ON public.posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION kaquan.check_postings();
CREATE OR REPLACE TRIGGER posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.posting
    FOR EACH STATEMENT EXECUTE FUNCTION kaquan.refuse_change();
CREATE OR REPLACE TRIGGER journal_entry_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON public.journal_entry
    FOR EACH STATEMENT EXECUTE FUNCTION kaquan.refuse_change();

-- The one writer ----------------------------------------------------------------------------------

-- Books one event and moves the stored balances of the cards and lots it names. The caller has locked
-- those cards, in the order of their ids. A second booking of the same reference is a unique violation.
CREATE OR REPLACE FUNCTION kaquan.book(
    p_kind text, p_reference text, p_at timestamptz, p_legs kaquan.leg[],
    p_reverses_id bigint DEFAULT NULL, p_reason text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    v_entry_id bigint;
    v_leg kaquan.leg;
BEGIN
    INSERT INTO public.journal_entry (kind, reference, occurred_at, reverses_id, reason)
    VALUES (p_kind, p_reference, p_at, p_reverses_id, p_reason)
    RETURNING id INTO v_entry_id;

    INSERT INTO public.posting (entry_id, occurred_at, account, amount_fen, merchant_id, store_id, card_id,
                                lot_id, payment_id, refund_id, top_up_id, gift_id, batch_id)
    SELECT v_entry_id, p_at, l.* FROM unnest(p_legs) l WHERE l.amount_fen <> 0;

    FOREACH v_leg IN ARRAY p_legs LOOP
        CONTINUE WHEN v_leg.account <> 'card' OR v_leg.amount_fen = 0;
        UPDATE public.lot SET remaining_fen = remaining_fen - v_leg.amount_fen
        WHERE id = v_leg.lot_id AND card_id = v_leg.card_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'lot % is not on card %', v_leg.lot_id, v_leg.card_id;
        END IF;
        UPDATE public.card SET balance_fen = balance_fen - v_leg.amount_fen WHERE id = v_leg.card_id;
    END LOOP;
    RETURN v_entry_id;
END $$;

-- The same for several events of one kind at once: each leg says by its event's reference whose it is.
CREATE OR REPLACE FUNCTION kaquan.book_together(
    p_kind text, p_at timestamptz, p_legs kaquan.leg[], p_references text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_moved bigint;
BEGIN
    WITH entry AS (
        INSERT INTO public.journal_entry (kind, reference, occurred_at)
        SELECT DISTINCT p_kind, r, p_at FROM unnest(p_references) r
        RETURNING id, reference)
    INSERT INTO public.posting (entry_id, occurred_at, account, amount_fen, merchant_id, store_id, card_id,
                                lot_id, payment_id, refund_id, top_up_id, gift_id, batch_id)
    SELECT e.id, p_at, l.account, l.amount_fen, l.merchant_id, l.store_id, l.card_id, l.lot_id,
           l.payment_id, l.refund_id, l.top_up_id, l.gift_id, l.batch_id
    FROM ROWS FROM (unnest(p_legs), unnest(p_references)) AS l(
        account, amount_fen, merchant_id, store_id, card_id, lot_id, payment_id, refund_id, top_up_id,
        gift_id, batch_id, reference)
    JOIN entry e USING (reference)
    WHERE l.amount_fen <> 0;

    UPDATE public.lot SET remaining_fen = remaining_fen - taken.fen
    FROM (SELECT lot_id, card_id, sum(amount_fen)::bigint AS fen FROM unnest(p_legs)
          WHERE account = 'card' GROUP BY lot_id, card_id) taken
    WHERE lot.id = taken.lot_id AND lot.card_id = taken.card_id;
    GET DIAGNOSTICS v_moved = ROW_COUNT;
    IF v_moved <> (SELECT count(DISTINCT lot_id) FROM unnest(p_legs) WHERE account = 'card') THEN
        RAISE EXCEPTION 'a lot is not on its card';
    END IF;
    UPDATE public.card SET balance_fen = balance_fen - taken.fen
    FROM (SELECT card_id, sum(amount_fen)::bigint AS fen FROM unnest(p_legs)
          WHERE account = 'card' GROUP BY card_id) taken
    WHERE card.id = taken.card_id;
END $$;

-- The same as the first for services in Python: legs as a JSON array of objects with the names of kaquan.leg.
CREATE OR REPLACE FUNCTION kaquan.post_entry(
    p_kind text, p_reference text, p_at timestamptz, p_legs jsonb,
    p_reverses_id bigint, p_reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_legs kaquan.leg[];
BEGIN
    SELECT array_agg(l) INTO v_legs FROM jsonb_populate_recordset(NULL::kaquan.leg, p_legs) l;
    PERFORM FROM public.card
    WHERE id IN (SELECT (l).card_id FROM unnest(v_legs) l WHERE (l).account = 'card')
    ORDER BY id FOR NO KEY UPDATE;
    RETURN kaquan.book(p_kind, p_reference, p_at, v_legs, p_reverses_id, p_reason);
END $$;

-- A new lot is empty; the entry that follows fills it. (Its signature has grown: the older one goes.)
DROP FUNCTION IF EXISTS kaquan.open_lot(bigint, text, bigint, bigint, timestamptz, integer);
CREATE OR REPLACE FUNCTION kaquan.open_lot(
    p_card_id bigint, p_kind text, p_original_fen bigint, p_bonus_bearer_id bigint,
    p_expires_at timestamptz, p_gifts_left integer, p_at timestamptz DEFAULT now()) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.lot (merchant_id, card_id, kind, original_fen, remaining_fen, bonus_bearer_id,
                            expires_at, gifts_left, created_at)
    SELECT merchant_id, id, p_kind, p_original_fen, 0, p_bonus_bearer_id, p_expires_at, p_gifts_left, p_at
    FROM public.card WHERE id = p_card_id
    RETURNING id;
$$;

-- Value that comes back to a lot that has expired meanwhile lives thirty days more.
CREATE OR REPLACE FUNCTION kaquan.revive_lots(p_lot_ids bigint[], p_at timestamptz) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE public.lot SET expires_at = p_at + interval '30 days'
    WHERE id = ANY (p_lot_ids) AND expires_at <= p_at;
$$;

-- Accounts without a stored balance ---------------------------------------------------------------

-- The highest posting id below which nothing can still be committed. Waits for the writers of this
-- instant (a few milliseconds) and lets the next ones in at once.
CREATE OR REPLACE FUNCTION kaquan.posting_watermark() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    LOCK TABLE public.posting IN SHARE MODE;
    RETURN (SELECT coalesce(max(id), 0) FROM public.posting);
END $$;
