-- Cards that take another card's place. services/stored_value/cards.py calls these.

-- An empty card that is nobody's yet: the old card keeps its owner until its value has moved.
CREATE OR REPLACE FUNCTION kaquan.open_card(p_program_id bigint, p_at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_id bigint := nextval(pg_get_serial_sequence('public.card', 'id'));
BEGIN
    INSERT INTO public.card (id, merchant_id, program_id, card_no)
    SELECT v_id, p.merchant_id, p.id, kaquan.document_no('9', v_id, p_at)
    FROM public.card_program p WHERE p.id = p_program_id;
    RETURN v_id;
END $$;

-- An empty lot on another card for what is left of a lot: the same kind, bearer and age. A lot that
-- has expired while its card was lost lives thirty days more. The entry that follows moves the value.
CREATE OR REPLACE FUNCTION kaquan.move_lot(p_lot_id bigint, p_card_id bigint, p_at timestamptz)
    RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.lot (merchant_id, card_id, kind, original_fen, remaining_fen, bonus_bearer_id,
                            expires_at, gifts_left, created_at)
    SELECT c.merchant_id, c.id, l.kind, l.remaining_fen, 0, l.bonus_bearer_id,
           CASE WHEN l.expires_at <= p_at THEN p_at + interval '30 days' ELSE l.expires_at END,
           l.gifts_left, l.created_at
    FROM public.lot l, public.card c WHERE l.id = p_lot_id AND c.id = p_card_id
    RETURNING id;
$$;
