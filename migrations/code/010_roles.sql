-- The roles of the wall. None of them can log in: the application's login takes one of them per
-- transaction (SET LOCAL ROLE), and the functions that write the ledger belong to kaquan_ledger.
-- Roles are shared by all databases of a cluster, so they are made when missing and never dropped.
DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['kaquan_public', 'kaquan_member', 'kaquan_store', 'kaquan_merchant',
                                  'kaquan_platform', 'kaquan_system', 'kaquan_ledger'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
        END IF;
        -- The owner gives functions to kaquan_ledger, for which it has to be a member of it.
        IF NOT pg_has_role(current_user, v_role, 'MEMBER') OR v_role = 'kaquan_ledger' THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', v_role);
        END IF;
    END LOOP;
END $$;

CREATE SCHEMA IF NOT EXISTS kaquan;
GRANT USAGE, CREATE ON SCHEMA kaquan TO kaquan_ledger;
GRANT USAGE ON SCHEMA kaquan, public
    TO kaquan_public, kaquan_member, kaquan_store, kaquan_merchant, kaquan_platform, kaquan_system,
       kaquan_ledger;

-- What a transaction has been scoped to. Empty means nobody, and NULL matches no row.
CREATE OR REPLACE FUNCTION kaquan.scoped(p_name text) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.' || p_name, true), '')::bigint;
