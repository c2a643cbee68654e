-- pam: what was said to the assistant, its memories and context of each user, what it was taught, and settings.

CREATE TABLE public.pam_interactions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    session_id text COLLATE "C",
    user_message text COLLATE "C",
    pam_response text COLLATE "C",
    intent text COLLATE "C",
    tool_name text COLLATE "C",
    tool_args jsonb,
    success boolean DEFAULT true NOT NULL,
    error text COLLATE "C",
    response_time_ms integer,
    tokens_used integer,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pam_interactions_pkey PRIMARY KEY (id),
    CONSTRAINT pam_interactions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX pam_interactions_user_id_created_at_idx ON public.pam_interactions (user_id, created_at DESC);
CREATE INDEX pam_interactions_session_id_idx ON public.pam_interactions (session_id);
ALTER TABLE public.pam_interactions ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.pam_interactions FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.pam_interactions TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.pam_interactions TO authenticated;
CREATE POLICY pam_interactions_select ON public.pam_interactions FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY pam_interactions_insert ON public.pam_interactions FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY pam_interactions_update ON public.pam_interactions FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY pam_interactions_delete ON public.pam_interactions FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));

CREATE TABLE public.pam_memories (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    memory_type text COLLATE "C" NOT NULL,
    content jsonb NOT NULL,
    content_text text COLLATE "C" NOT NULL,
    importance_score real DEFAULT '0.5'::real NOT NULL,
    access_count integer DEFAULT 0 NOT NULL,
    last_accessed timestamptz,
    context jsonb DEFAULT '{}'::jsonb NOT NULL,
    source text COLLATE "C" DEFAULT 'user_interaction' NOT NULL,
    tags text[] COLLATE "C" DEFAULT ARRAY[]::text[] NOT NULL,
    expires_at timestamptz,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pam_memories_pkey PRIMARY KEY (id),
    CONSTRAINT pam_memories_memory_type_check CHECK (memory_type IN ('working', 'episodic', 'semantic')),
    CONSTRAINT pam_memories_importance_score_check CHECK (importance_score BETWEEN 0 AND 1),
    CONSTRAINT pam_memories_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX pam_memories_user_id_importance_score_idx ON public.pam_memories (user_id, importance_score DESC) WHERE is_active = true;
CREATE INDEX pam_memories_user_id_idx ON public.pam_memories (user_id);
CREATE INDEX pam_memories_expires_at_idx ON public.pam_memories (expires_at);
ALTER TABLE public.pam_memories ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.pam_memories FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.pam_memories TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.pam_memories TO authenticated;
CREATE POLICY pam_memories_select ON public.pam_memories FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY pam_memories_insert ON public.pam_memories FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY pam_memories_update ON public.pam_memories FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY pam_memories_delete ON public.pam_memories FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER pam_memories_touch_updated_at BEFORE UPDATE ON public.pam_memories
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.pam_context (
    user_id uuid NOT NULL,
    context_type text COLLATE "C" DEFAULT 'general' NOT NULL,
    context_data jsonb DEFAULT '{}'::jsonb NOT NULL,
    current_location jsonb,
    active_trip_id uuid,
    learned_preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    recent_intents text[] COLLATE "C",
    expires_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pam_context_pkey PRIMARY KEY (user_id),
    CONSTRAINT pam_context_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
ALTER TABLE public.pam_context ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.pam_context FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.pam_context TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.pam_context TO authenticated;
CREATE POLICY pam_context_select ON public.pam_context FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY pam_context_insert ON public.pam_context FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY pam_context_update ON public.pam_context FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY pam_context_delete ON public.pam_context FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER pam_context_touch_updated_at BEFORE UPDATE ON public.pam_context
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.pam_admin_knowledge (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    admin_user_id uuid NOT NULL,
    title text COLLATE "C" NOT NULL,
    content text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    knowledge_type text COLLATE "C" NOT NULL,
    tags text[] COLLATE "C",
    location_context text COLLATE "C",
    date_context text COLLATE "C",
    priority integer DEFAULT 0 NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    usage_count integer DEFAULT 0 NOT NULL,
    last_used_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pam_admin_knowledge_pkey PRIMARY KEY (id),
    CONSTRAINT pam_admin_knowledge_admin_user_id_fkey FOREIGN KEY (admin_user_id) REFERENCES public.users (id) ON DELETE RESTRICT
);
CREATE INDEX pam_admin_knowledge_admin_user_id_idx ON public.pam_admin_knowledge (admin_user_id);
CREATE INDEX pam_admin_knowledge_category_priority_idx ON public.pam_admin_knowledge (category, priority DESC) WHERE is_active = true;
ALTER TABLE public.pam_admin_knowledge ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.pam_admin_knowledge FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.pam_admin_knowledge TO service_role;
GRANT SELECT ON TABLE public.pam_admin_knowledge TO authenticated;
CREATE POLICY pam_admin_knowledge_select ON public.pam_admin_knowledge FOR SELECT TO authenticated
    USING (is_active = true);
CREATE TRIGGER pam_admin_knowledge_touch_updated_at BEFORE UPDATE ON public.pam_admin_knowledge
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.user_settings (
    user_id uuid NOT NULL,
    notification_preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    privacy_preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    display_preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    regional_preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    pam_preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    location_preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    integration_preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT user_settings_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_settings_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
ALTER TABLE public.user_settings ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.user_settings FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.user_settings TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.user_settings TO authenticated;
CREATE POLICY user_settings_select ON public.user_settings FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY user_settings_insert ON public.user_settings FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY user_settings_update ON public.user_settings FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY user_settings_delete ON public.user_settings FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER user_settings_touch_updated_at BEFORE UPDATE ON public.user_settings
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.campgrounds (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    latitude numeric(9,6),
    longitude numeric(9,6),
    amenities text[] COLLATE "C",
    hookup_types text[] COLLATE "C",
    is_rv_friendly boolean,
    max_rv_length numeric,
    price_per_night numeric(12,2),
    rating numeric(3,2),
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT campgrounds_pkey PRIMARY KEY (id)
);
ALTER TABLE public.campgrounds ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.campgrounds FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.campgrounds TO service_role;
GRANT SELECT ON TABLE public.campgrounds TO authenticated;
CREATE POLICY campgrounds_select ON public.campgrounds FOR SELECT TO authenticated
    USING (true);
CREATE TRIGGER campgrounds_touch_updated_at BEFORE UPDATE ON public.campgrounds
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');
