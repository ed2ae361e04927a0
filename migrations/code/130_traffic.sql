-- Page views lie in a partition a day. Partitions are in a schema of their own, where nobody who logs
-- in has any right: they are reached through the table, hence through its policies.
CREATE SCHEMA IF NOT EXISTS traffic;
GRANT USAGE, CREATE ON SCHEMA traffic TO kaquan_ledger;
-- A fold looks for what was written since the last one, and for all views of whoever came since.
CREATE INDEX IF NOT EXISTS code_page_view_written ON public.page_view
    USING brin (written_in) WITH (autosummarize = on);
CREATE INDEX IF NOT EXISTS code_page_view_visitor ON public.page_view (visitor);
GRANT CREATE ON SCHEMA public TO kaquan_ledger;  -- For the next statement only.
ALTER TABLE public.page_view OWNER TO kaquan_ledger;
REVOKE CREATE ON SCHEMA public FROM kaquan_ledger;

CREATE OR REPLACE FUNCTION kaquan.open_traffic_day(p_day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name text := 'd' || to_char(p_day, 'YYYYMMDD');
BEGIN
    IF to_regclass('traffic.' || v_name) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('kaquan traffic day'));
        EXECUTE format('CREATE TABLE IF NOT EXISTS traffic.%I PARTITION OF public.page_view'
                       ' FOR VALUES FROM (%L) TO (%L)', v_name,
                       p_day::timestamp AT TIME ZONE 'Asia/Shanghai',
                       (p_day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai');
    END IF;
END $$;

-- Raw rows whose time is over go with their partition: no row is looked at.
CREATE OR REPLACE FUNCTION kaquan.drop_traffic_days(p_before date) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name text;
    v_dropped int := 0;
BEGIN
    FOR v_name IN SELECT relname FROM pg_class WHERE relnamespace = 'traffic'::regnamespace
                  AND relkind = 'r' AND relname < 'd' || to_char(p_before, 'YYYYMMDD') LOOP
        EXECUTE format('DROP TABLE traffic.%I', v_name);
        v_dropped := v_dropped + 1;
    END LOOP;
    RETURN v_dropped;
END $$;

CREATE OR REPLACE FUNCTION kaquan.traffic_days() RETURNS SETOF date
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_date(substr(relname, 2), 'YYYYMMDD') FROM pg_class
    WHERE relnamespace = 'traffic'::regnamespace AND relkind = 'r' AND relname ~ '^d[0-9]{8}$'
$$;
