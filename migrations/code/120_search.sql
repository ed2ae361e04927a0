-- What tells the index that a store is another one now. Content tells it by its own messages.

CREATE OR REPLACE FUNCTION kaquan.tell_store_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'merchant' THEN
        INSERT INTO public.outbox_message (topic, subject_id, merchant_id)
        SELECT 'store.changed', s.id, s.merchant_id FROM public.store s WHERE s.merchant_id = NEW.id;
    ELSE
        INSERT INTO public.outbox_message (topic, subject_id, merchant_id)
        VALUES ('store.changed', NEW.id, NEW.merchant_id);
    END IF;
    RETURN NULL;
END $$;
ALTER FUNCTION kaquan.tell_store_changed() OWNER TO kaquan_ledger;

CREATE OR REPLACE TRIGGER store_made AFTER INSERT ON public.store FOR EACH ROW
    EXECUTE FUNCTION kaquan.tell_store_changed();
CREATE OR REPLACE TRIGGER store_changed AFTER UPDATE ON public.store FOR EACH ROW
    WHEN ((OLD.name, OLD.address, OLD.city, OLD.status, OLD.lat, OLD.lng, OLD.merchant_id)
          IS DISTINCT FROM
          (NEW.name, NEW.address, NEW.city, NEW.status, NEW.lat, NEW.lng, NEW.merchant_id))
    EXECUTE FUNCTION kaquan.tell_store_changed();
CREATE OR REPLACE TRIGGER merchant_changed AFTER UPDATE ON public.merchant FOR EACH ROW
    WHEN ((OLD.name, OLD.status) IS DISTINCT FROM (NEW.name, NEW.status))
    EXECUTE FUNCTION kaquan.tell_store_changed();

-- Typing errors are found by trigrams where the extension is there; without it by sound alone.
-- pg_trgm is trusted: whoever may create in this database may have it.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
    CREATE INDEX IF NOT EXISTS code_search_document_sound
        ON public.search_document USING gin (sound public.gin_trgm_ops);
EXCEPTION WHEN undefined_file OR insufficient_privilege OR feature_not_supported OR undefined_object THEN
    RAISE NOTICE 'pg_trgm is not there: typing errors are found by sound only';
END $$;

-- The nearest stores: points in a GiST tree, asked by boxes (queries/tenants/stores.py).
CREATE INDEX IF NOT EXISTS code_store_place ON public.store USING gist (point(lng::float8, lat::float8));
