-- profiles: what a person tells about themselves, and the part of it that every signed-in user may see.

CREATE TABLE public.profiles (
    id uuid NOT NULL,
    email text COLLATE "C",
    username text COLLATE "C",
    full_name text COLLATE "C",
    nickname text COLLATE "C",
    profile_image_url text COLLATE "C",
    partner_name text COLLATE "C",
    partner_email text COLLATE "C",
    partner_profile_image_url text COLLATE "C",
    vehicle_type text COLLATE "C",
    vehicle_make_model text COLLATE "C",
    fuel_type text COLLATE "C",
    towing text COLLATE "C",
    second_vehicle text COLLATE "C",
    max_driving text COLLATE "C",
    camp_types text COLLATE "C",
    accessibility text COLLATE "C",
    pets text COLLATE "C",
    region text COLLATE "C",
    gender_identity text COLLATE "C",
    gender_identity_custom text COLLATE "C",
    pronouns text COLLATE "C",
    pronouns_custom text COLLATE "C",
    travel_style text[] COLLATE "C",
    interests text[] COLLATE "C",
    content_preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    role text COLLATE "C" DEFAULT 'user' NOT NULL,
    status text COLLATE "C" DEFAULT 'active' NOT NULL,
    preferred_units text COLLATE "C" DEFAULT 'metric' NOT NULL,
    language text COLLATE "C",
    last_active timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT profiles_pkey PRIMARY KEY (id),
    CONSTRAINT profiles_email_key UNIQUE (email),
    CONSTRAINT profiles_preferred_units_check CHECK (preferred_units IN ('metric', 'imperial')),
    CONSTRAINT profiles_id_fkey FOREIGN KEY (id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX profiles_username_key ON public.profiles (lower(username COLLATE "C"));
CREATE INDEX profiles_interests_idx ON public.profiles USING gin (interests);
CREATE INDEX profiles_nickname_idx ON public.profiles (lower(nickname));
CREATE INDEX profiles_full_name_idx ON public.profiles (lower(full_name));
ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.profiles FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.profiles TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.profiles TO authenticated;
CREATE POLICY profiles_select ON public.profiles FOR SELECT TO authenticated
    USING (id = (SELECT auth.uid()));
CREATE POLICY profiles_insert ON public.profiles FOR INSERT TO authenticated
    WITH CHECK (id = (SELECT auth.uid()));
CREATE POLICY profiles_update ON public.profiles FOR UPDATE TO authenticated
    USING (id = (SELECT auth.uid()))
    WITH CHECK (id = (SELECT auth.uid()));
CREATE POLICY profiles_delete ON public.profiles FOR DELETE TO authenticated
    USING (id = (SELECT auth.uid()));
CREATE TRIGGER profiles_touch_updated_at BEFORE UPDATE ON public.profiles
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE VIEW public.public_profiles AS
    SELECT id, username, nickname, full_name, profile_image_url FROM public.profiles;
REVOKE ALL ON TABLE public.public_profiles FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT ON TABLE public.public_profiles TO authenticated, service_role;
