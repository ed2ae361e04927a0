-- Whether a store is open at an instant: its special days go before its hours (core/opening_hours
-- keeps those as [["12345", "09:00", "21:30"], …], in local time; none: always open). What began
-- yesterday and passes midnight still holds. Reads in the caller's scope.
CREATE OR REPLACE FUNCTION kaquan.is_store_open(p_store_id bigint, p_hours jsonb, p_at timestamptz)
    RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH clock AS (
        SELECT (p_at AT TIME ZONE 'Asia/Shanghai')::date AS today,
               (p_at AT TIME ZONE 'Asia/Shanghai')::time AS now
    ), days AS (
        SELECT back, today - back AS day, now FROM clock, generate_series(0, 1) AS back
    ), special AS (
        SELECT d.back, s.opens, s.closes FROM days d
        JOIN public.store_special_day s
            ON s.store_id = p_store_id AND d.day BETWEEN s.first_on AND s.last_on
    ), spans AS (
        SELECT back, opens, closes FROM special WHERE opens IS NOT NULL
        UNION ALL
        SELECT d.back, (h ->> 1)::time, (h ->> 2)::time
        FROM days d, jsonb_array_elements(p_hours) h
        WHERE position(extract(isodow FROM d.day)::text IN h ->> 0) > 0
          AND NOT EXISTS (SELECT FROM special s WHERE s.back = d.back)
        UNION ALL
        SELECT 0, time '00:00', time '24:00' WHERE jsonb_array_length(p_hours) = 0
          AND NOT EXISTS (SELECT FROM special s WHERE s.back = 0)
    )
    SELECT EXISTS (
        SELECT FROM spans, clock
        WHERE CASE WHEN back = 0 THEN now >= opens AND (closes <= opens OR now < closes)
                   ELSE closes <= opens AND now < closes END
    )
$$;
