-- users: accounts, and what their passwords are checked by. An address belongs to one live account, whatever its case.

CREATE TABLE public.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email varchar(255) COLLATE "C" NOT NULL,
    email_verified boolean DEFAULT false NOT NULL,
    first_name varchar(100) COLLATE "C",
    last_name varchar(100) COLLATE "C",
    display_name varchar(200) COLLATE "C",
    avatar_url text COLLATE "C",
    role text COLLATE "C" DEFAULT 'employee' NOT NULL,
    contact_id bigint,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_role_check CHECK (role IN ('admin', 'manager', 'employee'))
);
CREATE UNIQUE INDEX users_email_key ON public.users (lower(email COLLATE "C")) WHERE deleted_at IS NULL;
CREATE INDEX users_created_at_idx ON public.users (created_at);
CREATE INDEX users_deleted_at_idx ON public.users (deleted_at);
CREATE INDEX users_contact_id_idx ON public.users (contact_id);
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.users FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.users TO service_role;
GRANT SELECT ON TABLE public.users TO authenticated;
GRANT UPDATE (
    first_name, last_name, display_name, avatar_url
) ON TABLE public.users TO authenticated;
CREATE POLICY users_select ON public.users FOR SELECT TO authenticated
    USING (id = (SELECT auth.uid()));
CREATE POLICY users_update ON public.users FOR UPDATE TO authenticated
    USING (id = (SELECT auth.uid()))
    WITH CHECK (id = (SELECT auth.uid()));
CREATE TRIGGER users_touch_updated_at BEFORE UPDATE ON public.users
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.user_credentials (
    user_id uuid NOT NULL,
    password_hash text COLLATE "C" NOT NULL,
    password_changed_at timestamptz,
    failed_attempts integer DEFAULT 0 NOT NULL,
    locked_until timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT user_credentials_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_credentials_failed_attempts_check CHECK (failed_attempts >= 0),
    CONSTRAINT user_credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
ALTER TABLE public.user_credentials ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.user_credentials FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.user_credentials TO service_role;
CREATE TRIGGER user_credentials_touch_updated_at BEFORE UPDATE ON public.user_credentials
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');
