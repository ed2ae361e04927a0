-- The audit log's chain. services/audit_chain.py seals the records up to here.

-- The highest id of an audit record below which nothing can still be committed. A record takes its id
-- under its table's lock, so this waits for the writers of this instant and lets the next ones in.
CREATE OR REPLACE FUNCTION kaquan.audit_watermark() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    LOCK TABLE public.audit_record IN SHARE MODE;
    RETURN (SELECT coalesce(max(id), 0) FROM public.audit_record);
END $$;
