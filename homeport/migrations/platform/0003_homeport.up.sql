-- What Homeport itself needs. The schema and its ledger are the runner's; no API exposes them.
--
-- Default privileges are left as they are. PUBLIC may execute every new function, but ALTER DEFAULT PRIVILEGES is a
-- setting of the role that migrates, for all that it will ever make, the application's own functions too. Each function
-- here takes the right away itself, and `audit_functions` finds one that does not.
GRANT USAGE ON SCHEMA homeport TO service_role;
GRANT SELECT ON TABLE homeport.migrations TO service_role;

-- Behind every touch trigger; the trigger's argument is the column. The time is the transaction's, as in now().
CREATE FUNCTION homeport.touch() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF TG_ARGV[0] = 'updated_at' THEN
        NEW.updated_at := now();
    ELSE
        NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], now()));
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION homeport.touch() FROM PUBLIC;

-- Behind the trigger of every version column, which is its argument: one more than before, whatever the statement says.
CREATE FUNCTION homeport.raise_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF TG_ARGV[0] = 'version' THEN
        NEW.version := OLD.version + 1;
    ELSE
        NEW := jsonb_populate_record(
            NEW, jsonb_build_object(TG_ARGV[0], (to_jsonb(OLD) ->> TG_ARGV[0])::bigint + 1)
        );
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION homeport.raise_version() FROM PUBLIC;

-- As many rows as it is asked for, up to 100000: an API that gives fewer has a row cap, which this tells.
CREATE FUNCTION public.homeport_row_cap_probe(wanted integer) RETURNS TABLE (n integer)
LANGUAGE sql STABLE SET search_path = '' AS $$
    SELECT generate_series(1, least(wanted, 100000))
$$;
REVOKE ALL ON FUNCTION public.homeport_row_cap_probe(integer) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.homeport_row_cap_probe(integer) TO authenticated, service_role;
