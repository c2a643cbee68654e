-- access: sessions, sign-ins, who may administer, and what looked suspicious. Tokens are here by their hashes only.

CREATE TABLE public.user_sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    session_token_hash text COLLATE "C" NOT NULL,
    refresh_token_hash text COLLATE "C",
    jti text COLLATE "C",
    device_info jsonb,
    ip_address inet,
    user_agent text COLLATE "C",
    is_active boolean DEFAULT true NOT NULL,
    last_activity_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoke_reason text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT user_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT user_sessions_session_token_hash_key UNIQUE (session_token_hash),
    CONSTRAINT user_sessions_refresh_token_hash_key UNIQUE (refresh_token_hash),
    CONSTRAINT user_sessions_jti_key UNIQUE (jti),
    CONSTRAINT user_sessions_expires_at_check CHECK (expires_at > created_at),
    CONSTRAINT user_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX user_sessions_user_id_idx ON public.user_sessions (user_id);
CREATE INDEX user_sessions_user_id_expires_at_idx ON public.user_sessions (user_id, expires_at) WHERE is_active = true;
CREATE INDEX user_sessions_expires_at_idx ON public.user_sessions (expires_at);
CREATE INDEX user_sessions_ip_address_idx ON public.user_sessions (ip_address);
ALTER TABLE public.user_sessions ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.user_sessions FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.user_sessions TO service_role;
GRANT SELECT ON TABLE public.user_sessions TO authenticated;
GRANT UPDATE (
    is_active, revoked_at, revoke_reason
) ON TABLE public.user_sessions TO authenticated;
CREATE POLICY user_sessions_select ON public.user_sessions FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY user_sessions_update ON public.user_sessions FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND is_active = false));

CREATE TABLE public.login_history (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    login_time timestamptz DEFAULT now() NOT NULL,
    success boolean DEFAULT true NOT NULL,
    login_method text COLLATE "C",
    failure_reason text COLLATE "C",
    ip_address inet,
    user_agent text COLLATE "C",
    device_info jsonb,
    location_info jsonb,
    CONSTRAINT login_history_pkey PRIMARY KEY (id),
    CONSTRAINT login_history_login_method_check CHECK (login_method IN ('password', 'oauth', 'refresh', 'magic_link', 'sso')),
    CONSTRAINT login_history_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX login_history_user_id_login_time_idx ON public.login_history (user_id, login_time DESC);
ALTER TABLE public.login_history ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.login_history FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.login_history TO service_role;
GRANT SELECT ON TABLE public.login_history TO authenticated;
CREATE POLICY login_history_select ON public.login_history FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));

CREATE TABLE public.admin_users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    email text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    status text COLLATE "C" DEFAULT 'active' NOT NULL,
    permissions jsonb DEFAULT '{}'::jsonb NOT NULL,
    region text COLLATE "C",
    last_login timestamptz,
    created_by uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT admin_users_pkey PRIMARY KEY (id),
    CONSTRAINT admin_users_user_id_key UNIQUE (user_id),
    CONSTRAINT admin_users_email_key UNIQUE (email),
    CONSTRAINT admin_users_role_check CHECK (role IN ('admin', 'moderator', 'user')),
    CONSTRAINT admin_users_status_check CHECK (status IN ('active', 'inactive', 'suspended')),
    CONSTRAINT admin_users_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT admin_users_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users (id) ON DELETE SET NULL
);
CREATE INDEX admin_users_created_by_idx ON public.admin_users (created_by);
ALTER TABLE public.admin_users ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.admin_users FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.admin_users TO service_role;
CREATE TRIGGER admin_users_touch_updated_at BEFORE UPDATE ON public.admin_users
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.security_events (
    id bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    user_id uuid,
    email_attempted text COLLATE "C",
    event_type text COLLATE "C" NOT NULL,
    severity text COLLATE "C" DEFAULT 'info' NOT NULL,
    ip_address inet,
    user_agent text COLLATE "C",
    metadata jsonb,
    resolved boolean DEFAULT false NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT security_events_pkey PRIMARY KEY (id),
    CONSTRAINT security_events_severity_check CHECK (severity IN ('info', 'warning', 'critical')),
    CONSTRAINT security_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE SET NULL
);
CREATE INDEX security_events_event_type_created_at_idx ON public.security_events (event_type, created_at DESC);
CREATE INDEX security_events_user_id_created_at_idx ON public.security_events (user_id, created_at DESC);
ALTER TABLE public.security_events ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.security_events FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.security_events TO service_role;
