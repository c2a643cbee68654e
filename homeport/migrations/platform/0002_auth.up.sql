-- auth.uid(), auth.jwt() and auth.role() as Supabase has them, where they are absent; never replaced.
-- They read the claims that PostgREST, or a scoped call, sets for its transaction. After that transaction the setting
-- is '' and not NULL.
CREATE SCHEMA IF NOT EXISTS auth;

DO $$
BEGIN
    IF to_regprocedure('auth.jwt()') IS NULL THEN
        CREATE FUNCTION auth.jwt() RETURNS jsonb
        LANGUAGE sql STABLE SET search_path = ''
        RETURN nullif(current_setting('request.jwt.claims', true), '')::jsonb;
    END IF;

    IF to_regprocedure('auth.uid()') IS NULL THEN
        CREATE FUNCTION auth.uid() RETURNS uuid
        LANGUAGE sql STABLE SET search_path = ''
        RETURN (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid;
    END IF;

    IF to_regprocedure('auth.role()') IS NULL THEN
        CREATE FUNCTION auth.role() RETURNS text
        LANGUAGE sql STABLE SET search_path = ''
        RETURN nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role';
    END IF;
END
$$;

-- Anybody may ask who they are: a function has EXECUTE for PUBLIC from the start. On hosted Supabase the schema
-- belongs to another role, and its grants are there.
DO $$
BEGIN
    IF NOT has_schema_privilege('authenticated', 'auth', 'USAGE')
        OR NOT has_schema_privilege('anon', 'auth', 'USAGE')
        OR NOT has_schema_privilege('service_role', 'auth', 'USAGE')
    THEN
        GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
    END IF;
END
$$;
