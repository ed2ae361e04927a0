-- Statements are numbered and immutable: once collected, only their state and its people change (S1).

CREATE OR REPLACE FUNCTION kaquan.guard_statement() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'collecting' AND NEW.status IN ('collecting', 'draft') THEN
        RETURN NEW;
    END IF;
    IF ROW(NEW.id, NEW.statement_no, NEW.merchant_id, NEW.cycle, NEW.period_first_on, NEW.period_last_on,
           NEW.due_on, NEW.opening_fen, NEW.earned_fen, NEW.cash_fen, NEW.due_fen, NEW.line_count,
           NEW.late_count, NEW.from_posting_id, NEW.position, NEW.watermark, NEW.next_posting_id,
           NEW.created_by_id, NEW.created_at)
       IS DISTINCT FROM
       ROW(OLD.id, OLD.statement_no, OLD.merchant_id, OLD.cycle, OLD.period_first_on, OLD.period_last_on,
           OLD.due_on, OLD.opening_fen, OLD.earned_fen, OLD.cash_fen, OLD.due_fen, OLD.line_count,
           OLD.late_count, OLD.from_posting_id, OLD.position, OLD.watermark, OLD.next_posting_id,
           OLD.created_by_id, OLD.created_at) THEN
        RAISE EXCEPTION 'S1: a statement never changes; corrections stand on the next one'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.status IN ('paid', 'carried') AND
       ROW(NEW.status, NEW.bank_reference, NEW.paid_entry_id, NEW.paid_by_id, NEW.paid_at,
           NEW.approved_by_id, NEW.confirmed_by_id)
       IS DISTINCT FROM
       ROW(OLD.status, OLD.bank_reference, OLD.paid_entry_id, OLD.paid_by_id, OLD.paid_at,
           OLD.approved_by_id, OLD.confirmed_by_id) THEN
        RAISE EXCEPTION 'S1: a settled statement is closed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.carried_into_id IS NOT NULL AND NEW.carried_into_id IS DISTINCT FROM OLD.carried_into_id THEN
        RAISE EXCEPTION 'S1: a balance is carried once' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION kaquan.guard_collecting() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT statement_id FROM added) a
               LEFT JOIN public.statement s ON s.id = a.statement_id
               WHERE s.status IS DISTINCT FROM 'collecting') THEN
        RAISE EXCEPTION 'S1: nothing is put onto a statement that is drawn up'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER statement_guarded BEFORE UPDATE ON public.statement
    FOR EACH ROW EXECUTE FUNCTION kaquan.guard_statement();
CREATE OR REPLACE TRIGGER statement_kept BEFORE DELETE OR TRUNCATE ON public.statement
    FOR EACH STATEMENT EXECUTE FUNCTION kaquan.refuse_change();
CREATE OR REPLACE TRIGGER statement_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON public.statement_line FOR EACH STATEMENT EXECUTE FUNCTION kaquan.refuse_change();
CREATE OR REPLACE TRIGGER statement_line_collecting AFTER INSERT ON public.statement_line
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION kaquan.guard_collecting();
CREATE OR REPLACE TRIGGER statement_sum_kept BEFORE DELETE OR TRUNCATE ON public.statement_sum
    FOR EACH STATEMENT EXECUTE FUNCTION kaquan.refuse_change();
CREATE OR REPLACE TRIGGER statement_sum_added AFTER INSERT ON public.statement_sum
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION kaquan.guard_collecting();
CREATE OR REPLACE TRIGGER statement_sum_changed AFTER UPDATE ON public.statement_sum
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION kaquan.guard_collecting();
