-- transition_launch: shakedown trips with their issues, the launch week, launch dates, check-ins.

CREATE TABLE public.shakedown_trips (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    duration_days integer NOT NULL,
    distance_miles numeric(10,2),
    trip_type text COLLATE "C" NOT NULL,
    start_date date NOT NULL,
    end_date date,
    confidence_rating integer,
    lessons_learned text COLLATE "C",
    photos jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT shakedown_trips_pkey PRIMARY KEY (id),
    CONSTRAINT shakedown_trips_trip_type_check CHECK (trip_type IN ('weekend', 'week', 'extended')),
    CONSTRAINT shakedown_trips_duration_days_check CHECK (duration_days > 0),
    CONSTRAINT shakedown_trips_distance_miles_check CHECK (distance_miles >= 0),
    CONSTRAINT shakedown_trips_end_date_check CHECK (end_date >= start_date),
    CONSTRAINT shakedown_trips_confidence_rating_check CHECK (confidence_rating BETWEEN 1 AND 10),
    CONSTRAINT shakedown_trips_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT shakedown_trips_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE
);
CREATE INDEX shakedown_trips_profile_id_start_date_idx ON public.shakedown_trips (profile_id, start_date DESC);
CREATE INDEX shakedown_trips_user_id_idx ON public.shakedown_trips (user_id);
ALTER TABLE public.shakedown_trips ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.shakedown_trips FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.shakedown_trips TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.shakedown_trips TO authenticated;
CREATE POLICY shakedown_trips_select ON public.shakedown_trips FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY shakedown_trips_insert ON public.shakedown_trips FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = shakedown_trips.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY shakedown_trips_update ON public.shakedown_trips FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = shakedown_trips.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY shakedown_trips_delete ON public.shakedown_trips FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER shakedown_trips_touch_updated_at BEFORE UPDATE ON public.shakedown_trips
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.shakedown_issues (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    trip_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    category text COLLATE "C" NOT NULL,
    severity text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    solution_found text COLLATE "C",
    is_resolved boolean DEFAULT false NOT NULL,
    parts_needed text COLLATE "C",
    estimated_cost numeric(12,2),
    actual_cost numeric(12,2),
    resolved_date date,
    notes text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT shakedown_issues_pkey PRIMARY KEY (id),
    CONSTRAINT shakedown_issues_category_check CHECK (category IN ('power', 'water', 'comfort', 'storage', 'driving')),
    CONSTRAINT shakedown_issues_severity_check CHECK (severity IN ('minor', 'major', 'critical')),
    CONSTRAINT shakedown_issues_estimated_cost_check CHECK (estimated_cost >= 0),
    CONSTRAINT shakedown_issues_actual_cost_check CHECK (actual_cost >= 0),
    CONSTRAINT shakedown_issues_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT shakedown_issues_trip_id_fkey FOREIGN KEY (trip_id) REFERENCES public.shakedown_trips (id) ON DELETE CASCADE,
    CONSTRAINT shakedown_issues_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE
);
CREATE INDEX shakedown_issues_profile_id_is_resolved_idx ON public.shakedown_issues (profile_id, is_resolved);
CREATE INDEX shakedown_issues_trip_id_idx ON public.shakedown_issues (trip_id);
CREATE INDEX shakedown_issues_user_id_idx ON public.shakedown_issues (user_id);
ALTER TABLE public.shakedown_issues ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.shakedown_issues FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.shakedown_issues TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.shakedown_issues TO authenticated;
CREATE POLICY shakedown_issues_select ON public.shakedown_issues FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY shakedown_issues_insert ON public.shakedown_issues FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = shakedown_issues.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid()))) AND EXISTS (SELECT FROM public.shakedown_trips AS x2 WHERE x2.id = shakedown_issues.trip_id AND x2.user_id = (SELECT auth.uid()))));
CREATE POLICY shakedown_issues_update ON public.shakedown_issues FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = shakedown_issues.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid()))) AND EXISTS (SELECT FROM public.shakedown_trips AS x2 WHERE x2.id = shakedown_issues.trip_id AND x2.user_id = (SELECT auth.uid()))));
CREATE POLICY shakedown_issues_delete ON public.shakedown_issues FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER shakedown_issues_touch_updated_at BEFORE UPDATE ON public.shakedown_issues
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.launch_week_tasks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    day_number integer NOT NULL,
    task_name text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    is_critical boolean DEFAULT false NOT NULL,
    time_estimate_minutes integer NOT NULL,
    order_num integer NOT NULL,
    category text COLLATE "C" NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT launch_week_tasks_pkey PRIMARY KEY (id),
    CONSTRAINT launch_week_tasks_category_check CHECK (category IN ('legal', 'financial', 'vehicle', 'personal', 'communication', 'safety')),
    CONSTRAINT launch_week_tasks_day_number_check CHECK (day_number BETWEEN -7 AND 0),
    CONSTRAINT launch_week_tasks_time_estimate_minutes_check CHECK (time_estimate_minutes >= 0)
);
CREATE INDEX launch_week_tasks_day_number_order_num_idx ON public.launch_week_tasks (day_number, order_num);
ALTER TABLE public.launch_week_tasks ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.launch_week_tasks FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.launch_week_tasks TO service_role;
GRANT SELECT ON TABLE public.launch_week_tasks TO authenticated;
CREATE POLICY launch_week_tasks_select ON public.launch_week_tasks FOR SELECT TO authenticated
    USING (true);

CREATE TABLE public.user_launch_tasks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    task_id uuid NOT NULL,
    is_completed boolean DEFAULT false NOT NULL,
    completed_at timestamptz,
    notes text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT user_launch_tasks_pkey PRIMARY KEY (id),
    CONSTRAINT user_launch_tasks_user_id_task_id_key UNIQUE (user_id, task_id),
    CONSTRAINT user_launch_tasks_completed_at_check CHECK (completed_at IS NULL OR is_completed),
    CONSTRAINT user_launch_tasks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT user_launch_tasks_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.launch_week_tasks (id) ON DELETE CASCADE
);
CREATE INDEX user_launch_tasks_task_id_idx ON public.user_launch_tasks (task_id);
ALTER TABLE public.user_launch_tasks ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.user_launch_tasks FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.user_launch_tasks TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.user_launch_tasks TO authenticated;
CREATE POLICY user_launch_tasks_select ON public.user_launch_tasks FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY user_launch_tasks_insert ON public.user_launch_tasks FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY user_launch_tasks_update ON public.user_launch_tasks FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY user_launch_tasks_delete ON public.user_launch_tasks FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));

CREATE TABLE public.user_launch_dates (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    launch_date date NOT NULL,
    first_destination text COLLATE "C",
    emergency_contacts jsonb DEFAULT '[]'::jsonb NOT NULL,
    celebration_plans text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT user_launch_dates_pkey PRIMARY KEY (id),
    CONSTRAINT user_launch_dates_user_id_key UNIQUE (user_id),
    CONSTRAINT user_launch_dates_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
ALTER TABLE public.user_launch_dates ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.user_launch_dates FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.user_launch_dates TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.user_launch_dates TO authenticated;
CREATE POLICY user_launch_dates_select ON public.user_launch_dates FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY user_launch_dates_insert ON public.user_launch_dates FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY user_launch_dates_update ON public.user_launch_dates FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY user_launch_dates_delete ON public.user_launch_dates FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER user_launch_dates_touch_updated_at BEFORE UPDATE ON public.user_launch_dates
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.launch_checkins (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    checkin_type text COLLATE "C" NOT NULL,
    response text COLLATE "C" NOT NULL,
    mood text COLLATE "C",
    challenges text COLLATE "C",
    wins text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT launch_checkins_pkey PRIMARY KEY (id),
    CONSTRAINT launch_checkins_user_id_checkin_type_key UNIQUE (user_id, checkin_type),
    CONSTRAINT launch_checkins_checkin_type_check CHECK (checkin_type IN ('day_1', 'week_1', 'month_1')),
    CONSTRAINT launch_checkins_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
ALTER TABLE public.launch_checkins ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.launch_checkins FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.launch_checkins TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.launch_checkins TO authenticated;
CREATE POLICY launch_checkins_select ON public.launch_checkins FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY launch_checkins_insert ON public.launch_checkins FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY launch_checkins_update ON public.launch_checkins FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY launch_checkins_delete ON public.launch_checkins FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
