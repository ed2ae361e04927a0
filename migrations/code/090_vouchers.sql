-- Paper's events are append only, as the ledger is: a correction is another event.
CREATE OR REPLACE TRIGGER voucher_event_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON public.voucher_event
    FOR EACH STATEMENT EXECUTE FUNCTION kaquan.refuse_change();
