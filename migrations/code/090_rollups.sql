-- Hours whose rows have changed after they were summed (services/rollups.py sums them again).

-- A row is summed when its hour is over by ten minutes. Whatever is written, or changed, later than
-- five minutes after its instant leaves a note here, so that no sum is wrong in silence. The note is a
-- bare insert without a unique key: two transactions never wait for each other on it.
CREATE OR REPLACE FUNCTION kaquan.note_old_hours() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_new jsonb := to_jsonb(NEW);
    v_old jsonb := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) END;
    v_number int;
BEGIN
    FOR v_number IN 0 .. TG_NARGS / 2 - 1 LOOP  -- Pairs: a source, and the column of its instant.
        INSERT INTO public.rollup_dirty (source, hour)
        SELECT DISTINCT TG_ARGV[2 * v_number], date_trunc('hour', at)
        FROM (VALUES ((v_new ->> TG_ARGV[2 * v_number + 1])::timestamptz),
                     ((v_old ->> TG_ARGV[2 * v_number + 1])::timestamptz)) instants (at)
        WHERE at < clock_timestamp() - interval '5 minutes';
    END LOOP;
    RETURN NULL;
END $$;

DO $$
DECLARE
    v_table text;
    v_instants text[];
    v_changes text;
    v_sources text;
BEGIN
    FOR v_table, v_instants, v_changes, v_sources IN VALUES
        ('payment', ARRAY['created_at', 'paid_at'],
         '(OLD.status, OLD.created_at, OLD.paid_at) IS DISTINCT FROM (NEW.status, NEW.created_at, NEW.paid_at)',
         '''payment'', ''created_at'', ''payment_paid'', ''paid_at'', ''payment_paid_staff'', ''paid_at'''),
        ('top_up', ARRAY['created_at', 'credited_at'],
         '(OLD.status, OLD.created_at, OLD.credited_at, OLD.amount_fen, OLD.bonus_fen, OLD.store_id)'
         ' IS DISTINCT FROM'
         ' (NEW.status, NEW.created_at, NEW.credited_at, NEW.amount_fen, NEW.bonus_fen, NEW.store_id)',
         '''top_up'', ''created_at'', ''top_up_credited'', ''credited_at'''),
        ('redemption', ARRAY['redeemed_at'],
         '(OLD.reversed_at, OLD.redeemed_at) IS DISTINCT FROM (NEW.reversed_at, NEW.redeemed_at)',
         '''redemption'', ''redeemed_at'', ''redemption_staff'', ''redeemed_at'''),
        ('refund', ARRAY['created_at'],
         '(OLD.status, OLD.created_at) IS DISTINCT FROM (NEW.status, NEW.created_at)',
         '''refund'', ''created_at''')
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER late_row AFTER INSERT ON public.%I FOR EACH ROW'
                       ' WHEN (least(%s) < clock_timestamp() - interval ''5 minutes'')'
                       ' EXECUTE FUNCTION kaquan.note_old_hours(%s)',
                       v_table, 'NEW.' || array_to_string(v_instants, ', NEW.'), v_sources);
        EXECUTE format('CREATE OR REPLACE TRIGGER old_row_changed AFTER UPDATE ON public.%I FOR EACH ROW'
                       ' WHEN (least(%s, %s) < clock_timestamp() - interval ''5 minutes'''
                       ' AND %s) EXECUTE FUNCTION kaquan.note_old_hours(%s)',
                       v_table, 'OLD.' || array_to_string(v_instants, ', OLD.'),
                       'NEW.' || array_to_string(v_instants, ', NEW.'), v_changes, v_sources);
    END LOOP;
END $$;
