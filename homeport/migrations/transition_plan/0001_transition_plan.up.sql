-- transition_plan: the plan of a move into life on the road, with tasks, milestones, money, rooms, equipment and company.

CREATE TABLE public.transition_profiles (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    departure_date date,
    current_phase text COLLATE "C",
    transition_type text COLLATE "C" DEFAULT 'full_time' NOT NULL,
    motivation text COLLATE "C",
    concerns jsonb DEFAULT '[]'::jsonb NOT NULL,
    is_enabled boolean DEFAULT true NOT NULL,
    auto_hide_after_departure boolean DEFAULT true NOT NULL,
    hide_days_after_departure integer DEFAULT 30 NOT NULL,
    tasks_count integer DEFAULT 0 NOT NULL,
    completed_tasks_count integer DEFAULT 0 NOT NULL,
    completion_percentage integer GENERATED ALWAYS AS (CASE WHEN tasks_count <= 0 THEN 0 WHEN completed_tasks_count >= tasks_count THEN 100 WHEN completed_tasks_count <= 0 THEN 0 ELSE (completed_tasks_count::bigint * 100 / tasks_count)::integer END) STORED NOT NULL,
    last_milestone_reached text COLLATE "C",
    archived_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT transition_profiles_pkey PRIMARY KEY (id),
    CONSTRAINT transition_profiles_current_phase_check CHECK (current_phase IN ('planning', 'preparing', 'launching', 'on_road')),
    CONSTRAINT transition_profiles_transition_type_check CHECK (transition_type IN ('full_time', 'part_time', 'seasonal', 'exploring')),
    CONSTRAINT transition_profiles_hide_days_after_departure_check CHECK (hide_days_after_departure >= 0),
    CONSTRAINT transition_profiles_tasks_count_check CHECK (tasks_count >= 0),
    CONSTRAINT transition_profiles_completed_tasks_count_check CHECK (completed_tasks_count >= 0),
    CONSTRAINT transition_profiles_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX transition_profiles_user_id_key ON public.transition_profiles (user_id) WHERE archived_at IS NULL;
CREATE INDEX transition_profiles_departure_date_idx ON public.transition_profiles (departure_date) WHERE is_enabled = true;
CREATE INDEX transition_profiles_user_id_idx ON public.transition_profiles (user_id);
ALTER TABLE public.transition_profiles ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transition_profiles FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_profiles TO service_role;
GRANT SELECT, DELETE ON TABLE public.transition_profiles TO authenticated;
GRANT INSERT (
    id, user_id, departure_date, current_phase, transition_type, motivation, concerns, is_enabled, auto_hide_after_departure, hide_days_after_departure, last_milestone_reached, archived_at, created_at, updated_at
) ON TABLE public.transition_profiles TO authenticated;
GRANT UPDATE (
    id, user_id, departure_date, current_phase, transition_type, motivation, concerns, is_enabled, auto_hide_after_departure, hide_days_after_departure, last_milestone_reached, archived_at, created_at, updated_at
) ON TABLE public.transition_profiles TO authenticated;
CREATE POLICY transition_profiles_select ON public.transition_profiles FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY transition_profiles_insert ON public.transition_profiles FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY transition_profiles_update ON public.transition_profiles FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY transition_profiles_delete ON public.transition_profiles FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER transition_profiles_touch_updated_at BEFORE UPDATE ON public.transition_profiles
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.transition_tasks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    title text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    category text COLLATE "C" NOT NULL,
    is_system_task boolean DEFAULT false NOT NULL,
    priority text COLLATE "C" DEFAULT 'medium' NOT NULL,
    estimated_hours numeric(5,2),
    is_completed boolean DEFAULT false NOT NULL,
    completed_at timestamptz,
    completed_by_user_id uuid,
    suggested_start_date date,
    suggested_completion_date date,
    actual_completion_date date,
    depends_on_task_ids uuid[],
    blocks_task_ids uuid[],
    milestone text COLLATE "C",
    days_before_departure integer,
    notes text COLLATE "C",
    resources jsonb DEFAULT '[]'::jsonb NOT NULL,
    checklist_items jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT transition_tasks_pkey PRIMARY KEY (id),
    CONSTRAINT transition_tasks_category_check CHECK (category IN ('financial', 'vehicle', 'life', 'downsizing', 'equipment', 'legal', 'social', 'custom')),
    CONSTRAINT transition_tasks_priority_check CHECK (priority IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT transition_tasks_completed_at_check CHECK (completed_at IS NULL OR is_completed),
    CONSTRAINT transition_tasks_estimated_hours_check CHECK (estimated_hours >= 0),
    CONSTRAINT transition_tasks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT transition_tasks_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE,
    CONSTRAINT transition_tasks_completed_by_user_id_fkey FOREIGN KEY (completed_by_user_id) REFERENCES public.users (id) ON DELETE SET NULL
);
CREATE INDEX transition_tasks_profile_id_is_completed_idx ON public.transition_tasks (profile_id, is_completed);
CREATE INDEX transition_tasks_category_idx ON public.transition_tasks (category);
CREATE INDEX transition_tasks_user_id_idx ON public.transition_tasks (user_id);
CREATE INDEX transition_tasks_completed_by_user_id_idx ON public.transition_tasks (completed_by_user_id);
ALTER TABLE public.transition_tasks ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transition_tasks FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_tasks TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_tasks TO authenticated;
CREATE POLICY transition_tasks_select ON public.transition_tasks FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY transition_tasks_insert ON public.transition_tasks FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_tasks.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_tasks_update ON public.transition_tasks FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_tasks.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_tasks_delete ON public.transition_tasks FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER transition_tasks_touch_updated_at BEFORE UPDATE ON public.transition_tasks
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.transition_timeline (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    milestone_type text COLLATE "C" NOT NULL,
    milestone_name text COLLATE "C" NOT NULL,
    milestone_date date NOT NULL,
    is_completed boolean DEFAULT false NOT NULL,
    completed_at timestamptz,
    description text COLLATE "C",
    celebration_message text COLLATE "C",
    tasks_associated_count integer DEFAULT 0 NOT NULL,
    is_system_milestone boolean DEFAULT true NOT NULL,
    custom_icon text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT transition_timeline_pkey PRIMARY KEY (id),
    CONSTRAINT transition_timeline_milestone_type_check CHECK (milestone_type IN ('planning_start', 'three_months', 'one_month', 'one_week', 'departure', 'first_night', 'one_month_road', 'custom')),
    CONSTRAINT transition_timeline_tasks_associated_count_check CHECK (tasks_associated_count >= 0),
    CONSTRAINT transition_timeline_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT transition_timeline_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE
);
CREATE INDEX transition_timeline_profile_id_milestone_date_idx ON public.transition_timeline (profile_id, milestone_date);
CREATE INDEX transition_timeline_user_id_idx ON public.transition_timeline (user_id);
ALTER TABLE public.transition_timeline ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transition_timeline FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_timeline TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_timeline TO authenticated;
CREATE POLICY transition_timeline_select ON public.transition_timeline FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY transition_timeline_insert ON public.transition_timeline FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_timeline.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_timeline_update ON public.transition_timeline FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_timeline.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_timeline_delete ON public.transition_timeline FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER transition_timeline_touch_updated_at BEFORE UPDATE ON public.transition_timeline
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.transition_financial (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    bucket_type text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    subcategory text COLLATE "C",
    estimated_amount numeric(12,2) NOT NULL,
    current_amount numeric(12,2) DEFAULT '0.00'::numeric(12,2) NOT NULL,
    is_funded boolean GENERATED ALWAYS AS (current_amount >= estimated_amount) STORED NOT NULL,
    funding_percentage integer GENERATED ALWAYS AS (CASE WHEN current_amount >= estimated_amount THEN 100 WHEN current_amount <= 0 THEN 0 ELSE div(current_amount * 100, estimated_amount)::integer END) STORED NOT NULL,
    priority text COLLATE "C" DEFAULT 'medium' NOT NULL,
    notes text COLLATE "C",
    due_date date,
    last_contribution_date date,
    last_contribution_amount numeric(12,2),
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT transition_financial_pkey PRIMARY KEY (id),
    CONSTRAINT transition_financial_bucket_type_check CHECK (bucket_type IN ('transition', 'emergency', 'travel')),
    CONSTRAINT transition_financial_priority_check CHECK (priority IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT transition_financial_estimated_amount_check CHECK (estimated_amount >= 0),
    CONSTRAINT transition_financial_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT transition_financial_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE
);
CREATE INDEX transition_financial_profile_id_bucket_type_idx ON public.transition_financial (profile_id, bucket_type);
CREATE INDEX transition_financial_user_id_idx ON public.transition_financial (user_id);
ALTER TABLE public.transition_financial ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transition_financial FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_financial TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_financial TO authenticated;
CREATE POLICY transition_financial_select ON public.transition_financial FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY transition_financial_insert ON public.transition_financial FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_financial.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_financial_update ON public.transition_financial FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_financial.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_financial_delete ON public.transition_financial FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER transition_financial_touch_updated_at BEFORE UPDATE ON public.transition_financial
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.transition_rooms (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    room_type text COLLATE "C",
    status text COLLATE "C" DEFAULT 'not_started' NOT NULL,
    total_items integer DEFAULT 0 NOT NULL,
    decided_items integer DEFAULT 0 NOT NULL,
    completion_percentage integer GENERATED ALWAYS AS (CASE WHEN total_items <= 0 THEN 0 WHEN decided_items >= total_items THEN 100 WHEN decided_items <= 0 THEN 0 ELSE (decided_items::bigint * 100 / total_items)::integer END) STORED NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT transition_rooms_pkey PRIMARY KEY (id),
    CONSTRAINT transition_rooms_status_check CHECK (status IN ('not_started', 'in_progress', 'completed')),
    CONSTRAINT transition_rooms_total_items_check CHECK (total_items >= 0),
    CONSTRAINT transition_rooms_decided_items_check CHECK (decided_items >= 0),
    CONSTRAINT transition_rooms_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT transition_rooms_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE
);
CREATE INDEX transition_rooms_profile_id_name_idx ON public.transition_rooms (profile_id, name);
CREATE INDEX transition_rooms_user_id_idx ON public.transition_rooms (user_id);
ALTER TABLE public.transition_rooms ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transition_rooms FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_rooms TO service_role;
GRANT SELECT, DELETE ON TABLE public.transition_rooms TO authenticated;
GRANT INSERT (
    id, user_id, profile_id, name, room_type, status, created_at, updated_at
) ON TABLE public.transition_rooms TO authenticated;
GRANT UPDATE (
    id, user_id, profile_id, name, room_type, status, created_at, updated_at
) ON TABLE public.transition_rooms TO authenticated;
CREATE POLICY transition_rooms_select ON public.transition_rooms FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY transition_rooms_insert ON public.transition_rooms FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_rooms.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_rooms_update ON public.transition_rooms FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_rooms.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_rooms_delete ON public.transition_rooms FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER transition_rooms_touch_updated_at BEFORE UPDATE ON public.transition_rooms
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.transition_items (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    room_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    category text COLLATE "C",
    decision text COLLATE "C",
    decision_date timestamptz,
    estimated_value numeric(12,2),
    emotional_difficulty integer,
    photo_url text COLLATE "C",
    notes text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT transition_items_pkey PRIMARY KEY (id),
    CONSTRAINT transition_items_decision_check CHECK (decision IN ('keep', 'sell', 'donate', 'store', 'trash', 'parking_lot')),
    CONSTRAINT transition_items_estimated_value_check CHECK (estimated_value >= 0),
    CONSTRAINT transition_items_emotional_difficulty_check CHECK (emotional_difficulty BETWEEN 1 AND 5),
    CONSTRAINT transition_items_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT transition_items_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE,
    CONSTRAINT transition_items_room_id_fkey FOREIGN KEY (room_id) REFERENCES public.transition_rooms (id) ON DELETE CASCADE
);
CREATE INDEX transition_items_room_id_idx ON public.transition_items (room_id);
CREATE INDEX transition_items_profile_id_decision_idx ON public.transition_items (profile_id, decision);
CREATE INDEX transition_items_user_id_idx ON public.transition_items (user_id);
ALTER TABLE public.transition_items ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transition_items FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_items TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_items TO authenticated;
CREATE POLICY transition_items_select ON public.transition_items FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY transition_items_insert ON public.transition_items FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_items.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid()))) AND EXISTS (SELECT FROM public.transition_rooms AS x2 WHERE x2.id = transition_items.room_id AND x2.user_id = (SELECT auth.uid()))));
CREATE POLICY transition_items_update ON public.transition_items FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_items.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid()))) AND EXISTS (SELECT FROM public.transition_rooms AS x2 WHERE x2.id = transition_items.room_id AND x2.user_id = (SELECT auth.uid()))));
CREATE POLICY transition_items_delete ON public.transition_items FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER transition_items_touch_updated_at BEFORE UPDATE ON public.transition_items
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.transition_services (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    service_type text COLLATE "C" NOT NULL,
    service_name text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    provider text COLLATE "C",
    account_number text COLLATE "C",
    cancellation_target_date date,
    cancellation_completed boolean DEFAULT false NOT NULL,
    cancellation_completed_date date,
    old_account_info text COLLATE "C",
    new_account_info text COLLATE "C",
    consolidation_status text COLLATE "C",
    documents_total integer,
    documents_scanned integer,
    storage_location text COLLATE "C",
    status text COLLATE "C" DEFAULT 'pending' NOT NULL,
    priority text COLLATE "C" DEFAULT 'medium' NOT NULL,
    notes text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT transition_services_pkey PRIMARY KEY (id),
    CONSTRAINT transition_services_service_type_check CHECK (service_type IN ('cancellation', 'consolidation', 'digitization')),
    CONSTRAINT transition_services_status_check CHECK (status IN ('pending', 'in_progress', 'completed', 'cancelled')),
    CONSTRAINT transition_services_priority_check CHECK (priority IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT transition_services_documents_total_check CHECK (documents_total >= 0),
    CONSTRAINT transition_services_documents_scanned_check CHECK (documents_scanned >= 0),
    CONSTRAINT transition_services_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT transition_services_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE
);
CREATE INDEX transition_services_profile_id_service_type_idx ON public.transition_services (profile_id, service_type);
CREATE INDEX transition_services_user_id_idx ON public.transition_services (user_id);
ALTER TABLE public.transition_services ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transition_services FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_services TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_services TO authenticated;
CREATE POLICY transition_services_select ON public.transition_services FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY transition_services_insert ON public.transition_services FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_services.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_services_update ON public.transition_services FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_services.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_services_delete ON public.transition_services FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER transition_services_touch_updated_at BEFORE UPDATE ON public.transition_services
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.transition_equipment (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    equipment_name text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    is_needed boolean DEFAULT true NOT NULL,
    priority text COLLATE "C" DEFAULT 'medium' NOT NULL,
    estimated_cost numeric(12,2),
    actual_cost numeric(12,2),
    weight_lbs numeric(8,2),
    budget_bucket text COLLATE "C" DEFAULT 'transition' NOT NULL,
    acquisition_status text COLLATE "C" DEFAULT 'researching' NOT NULL,
    is_purchased boolean DEFAULT false NOT NULL,
    purchased_date date,
    purchase_location text COLLATE "C",
    product_links jsonb DEFAULT '[]'::jsonb NOT NULL,
    research_notes text COLLATE "C",
    installation_notes text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT transition_equipment_pkey PRIMARY KEY (id),
    CONSTRAINT transition_equipment_priority_check CHECK (priority IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT transition_equipment_budget_bucket_check CHECK (budget_bucket IN ('transition', 'emergency', 'travel')),
    CONSTRAINT transition_equipment_acquisition_status_check CHECK (acquisition_status IN ('researching', 'budgeted', 'ordered', 'acquired', 'installed', 'not_needed')),
    CONSTRAINT transition_equipment_estimated_cost_check CHECK (estimated_cost >= 0),
    CONSTRAINT transition_equipment_actual_cost_check CHECK (actual_cost >= 0),
    CONSTRAINT transition_equipment_weight_lbs_check CHECK (weight_lbs >= 0),
    CONSTRAINT transition_equipment_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT transition_equipment_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE
);
CREATE INDEX transition_equipment_profile_id_category_idx ON public.transition_equipment (profile_id, category);
CREATE INDEX transition_equipment_user_id_idx ON public.transition_equipment (user_id);
ALTER TABLE public.transition_equipment ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transition_equipment FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_equipment TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_equipment TO authenticated;
CREATE POLICY transition_equipment_select ON public.transition_equipment FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY transition_equipment_insert ON public.transition_equipment FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_equipment.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_equipment_update ON public.transition_equipment FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_equipment.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_equipment_delete ON public.transition_equipment FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER transition_equipment_touch_updated_at BEFORE UPDATE ON public.transition_equipment
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.transition_vehicle_mods (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    priority text COLLATE "C",
    status text COLLATE "C" DEFAULT 'planned' NOT NULL,
    estimated_cost numeric(12,2),
    actual_cost numeric(12,2),
    time_required_hours integer,
    diy_feasible boolean DEFAULT true NOT NULL,
    dependencies text[] COLLATE "C",
    vendor_links jsonb DEFAULT '[]'::jsonb NOT NULL,
    photo_urls text[] COLLATE "C",
    description text COLLATE "C",
    notes text COLLATE "C",
    completion_date date,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT transition_vehicle_mods_pkey PRIMARY KEY (id),
    CONSTRAINT transition_vehicle_mods_category_check CHECK (category IN ('power', 'water', 'comfort', 'safety', 'storage', 'exterior', 'other')),
    CONSTRAINT transition_vehicle_mods_priority_check CHECK (priority IN ('essential', 'important', 'nice-to-have')),
    CONSTRAINT transition_vehicle_mods_status_check CHECK (status IN ('planned', 'in_progress', 'complete')),
    CONSTRAINT transition_vehicle_mods_estimated_cost_check CHECK (estimated_cost >= 0),
    CONSTRAINT transition_vehicle_mods_actual_cost_check CHECK (actual_cost >= 0),
    CONSTRAINT transition_vehicle_mods_time_required_hours_check CHECK (time_required_hours >= 0),
    CONSTRAINT transition_vehicle_mods_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT transition_vehicle_mods_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE
);
CREATE INDEX transition_vehicle_mods_profile_id_status_idx ON public.transition_vehicle_mods (profile_id, status);
CREATE INDEX transition_vehicle_mods_user_id_idx ON public.transition_vehicle_mods (user_id);
ALTER TABLE public.transition_vehicle_mods ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transition_vehicle_mods FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_vehicle_mods TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_vehicle_mods TO authenticated;
CREATE POLICY transition_vehicle_mods_select ON public.transition_vehicle_mods FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY transition_vehicle_mods_insert ON public.transition_vehicle_mods FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_vehicle_mods.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_vehicle_mods_update ON public.transition_vehicle_mods FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = transition_vehicle_mods.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY transition_vehicle_mods_delete ON public.transition_vehicle_mods FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER transition_vehicle_mods_touch_updated_at BEFORE UPDATE ON public.transition_vehicle_mods
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.income_streams (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    stream_name text COLLATE "C" NOT NULL,
    income_type text COLLATE "C" NOT NULL,
    monthly_estimate numeric(12,2) DEFAULT '0.00'::numeric(12,2) NOT NULL,
    actual_monthly numeric(12,2),
    status text COLLATE "C" DEFAULT 'planning' NOT NULL,
    setup_checklist jsonb DEFAULT '[]'::jsonb NOT NULL,
    setup_completed boolean DEFAULT false NOT NULL,
    resources jsonb DEFAULT '[]'::jsonb NOT NULL,
    priority text COLLATE "C" DEFAULT 'medium' NOT NULL,
    notes text COLLATE "C",
    started_at timestamptz,
    discontinued_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT income_streams_pkey PRIMARY KEY (id),
    CONSTRAINT income_streams_income_type_check CHECK (income_type IN ('remote_work', 'freelance', 'passive', 'seasonal')),
    CONSTRAINT income_streams_status_check CHECK (status IN ('planning', 'setting_up', 'active', 'paused', 'discontinued')),
    CONSTRAINT income_streams_priority_check CHECK (priority IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT income_streams_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT income_streams_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.transition_profiles (id) ON DELETE CASCADE
);
CREATE INDEX income_streams_profile_id_status_idx ON public.income_streams (profile_id, status);
CREATE INDEX income_streams_user_id_idx ON public.income_streams (user_id);
ALTER TABLE public.income_streams ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.income_streams FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.income_streams TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.income_streams TO authenticated;
CREATE POLICY income_streams_select ON public.income_streams FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY income_streams_insert ON public.income_streams FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = income_streams.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY income_streams_update ON public.income_streams FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.transition_profiles AS x1 WHERE x1.id = income_streams.profile_id AND (x1.archived_at IS NULL AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY income_streams_delete ON public.income_streams FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER income_streams_touch_updated_at BEFORE UPDATE ON public.income_streams
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.transition_community (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    buddy_user_id uuid,
    connection_type text COLLATE "C" DEFAULT 'buddy' NOT NULL,
    status text COLLATE "C" DEFAULT 'pending' NOT NULL,
    match_score integer,
    shared_interests jsonb DEFAULT '[]'::jsonb NOT NULL,
    last_contact_date date,
    notes text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT transition_community_pkey PRIMARY KEY (id),
    CONSTRAINT transition_community_connection_type_check CHECK (connection_type IN ('mentor', 'buddy', 'meetup', 'group')),
    CONSTRAINT transition_community_status_check CHECK (status IN ('pending', 'accepted', 'declined', 'blocked')),
    CONSTRAINT transition_community_match_score_check CHECK (match_score BETWEEN 0 AND 100),
    CONSTRAINT transition_community_user_id_buddy_user_id_check CHECK (user_id <> buddy_user_id),
    CONSTRAINT transition_community_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT transition_community_buddy_user_id_fkey FOREIGN KEY (buddy_user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX transition_community_user_id_idx ON public.transition_community (user_id);
CREATE INDEX transition_community_buddy_user_id_idx ON public.transition_community (buddy_user_id);
ALTER TABLE public.transition_community ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.transition_community FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.transition_community TO service_role;
GRANT SELECT, INSERT, DELETE ON TABLE public.transition_community TO authenticated;
GRANT UPDATE (
    status, last_contact_date
) ON TABLE public.transition_community TO authenticated;
CREATE POLICY transition_community_select ON public.transition_community FOR SELECT TO authenticated
    USING ((user_id = (SELECT auth.uid()) OR buddy_user_id = (SELECT auth.uid())));
CREATE POLICY transition_community_insert ON public.transition_community FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND status = 'pending'));
CREATE POLICY transition_community_update ON public.transition_community FOR UPDATE TO authenticated
    USING (buddy_user_id = (SELECT auth.uid()))
    WITH CHECK (buddy_user_id = (SELECT auth.uid()));
CREATE POLICY transition_community_delete ON public.transition_community FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER transition_community_touch_updated_at BEFORE UPDATE ON public.transition_community
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE FUNCTION homeport.transition_profiles_tasks_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_came uuid[] := '{}';
    v_gone uuid[] := '{}';
BEGIN
    IF TG_OP <> 'DELETE' THEN
        v_came := ARRAY(SELECT came.profile_id FROM came WHERE came.profile_id IS NOT NULL);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        v_gone := ARRAY(SELECT gone.profile_id FROM gone WHERE gone.profile_id IS NOT NULL);
    END IF;
    IF v_came = v_gone THEN
        RETURN NULL;
    END IF;
    -- several rows are locked in one order, so that two statements never wait for each other
    IF cardinality(v_came || v_gone) > 1 THEN
        PERFORM FROM public.transition_profiles AS parent WHERE parent.id = ANY (v_came || v_gone)
            ORDER BY parent.id FOR NO KEY UPDATE;
    END IF;
    UPDATE public.transition_profiles AS parent SET tasks_count = parent.tasks_count + change.n
        FROM (
            SELECT each.id, sum(each.n)::integer AS n
            FROM (SELECT unnest(v_came) AS id, 1 AS n UNION ALL SELECT unnest(v_gone), -1) AS each
            GROUP BY each.id
        ) AS change
        WHERE parent.id = change.id AND change.n <> 0;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION homeport.transition_profiles_tasks_count() FROM PUBLIC;
CREATE TRIGGER transition_profiles_tasks_count_insert AFTER INSERT ON public.transition_tasks
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_profiles_tasks_count();
CREATE TRIGGER transition_profiles_tasks_count_update AFTER UPDATE ON public.transition_tasks
    REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_profiles_tasks_count();
CREATE TRIGGER transition_profiles_tasks_count_delete AFTER DELETE ON public.transition_tasks
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_profiles_tasks_count();

CREATE FUNCTION homeport.transition_profiles_completed_tasks_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_came uuid[] := '{}';
    v_gone uuid[] := '{}';
BEGIN
    IF TG_OP <> 'DELETE' THEN
        v_came := ARRAY(SELECT came.profile_id FROM came WHERE came.profile_id IS NOT NULL AND came.is_completed = true);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        v_gone := ARRAY(SELECT gone.profile_id FROM gone WHERE gone.profile_id IS NOT NULL AND gone.is_completed = true);
    END IF;
    IF v_came = v_gone THEN
        RETURN NULL;
    END IF;
    -- several rows are locked in one order, so that two statements never wait for each other
    IF cardinality(v_came || v_gone) > 1 THEN
        PERFORM FROM public.transition_profiles AS parent WHERE parent.id = ANY (v_came || v_gone)
            ORDER BY parent.id FOR NO KEY UPDATE;
    END IF;
    UPDATE public.transition_profiles AS parent SET completed_tasks_count = parent.completed_tasks_count + change.n
        FROM (
            SELECT each.id, sum(each.n)::integer AS n
            FROM (SELECT unnest(v_came) AS id, 1 AS n UNION ALL SELECT unnest(v_gone), -1) AS each
            GROUP BY each.id
        ) AS change
        WHERE parent.id = change.id AND change.n <> 0;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION homeport.transition_profiles_completed_tasks_count() FROM PUBLIC;
CREATE TRIGGER transition_profiles_completed_tasks_count_insert AFTER INSERT ON public.transition_tasks
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_profiles_completed_tasks_count();
CREATE TRIGGER transition_profiles_completed_tasks_count_update AFTER UPDATE ON public.transition_tasks
    REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_profiles_completed_tasks_count();
CREATE TRIGGER transition_profiles_completed_tasks_count_delete AFTER DELETE ON public.transition_tasks
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_profiles_completed_tasks_count();

CREATE FUNCTION homeport.transition_rooms_total_items() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_came uuid[] := '{}';
    v_gone uuid[] := '{}';
BEGIN
    IF TG_OP <> 'DELETE' THEN
        v_came := ARRAY(SELECT came.room_id FROM came WHERE came.room_id IS NOT NULL);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        v_gone := ARRAY(SELECT gone.room_id FROM gone WHERE gone.room_id IS NOT NULL);
    END IF;
    IF v_came = v_gone THEN
        RETURN NULL;
    END IF;
    -- several rows are locked in one order, so that two statements never wait for each other
    IF cardinality(v_came || v_gone) > 1 THEN
        PERFORM FROM public.transition_rooms AS parent WHERE parent.id = ANY (v_came || v_gone)
            ORDER BY parent.id FOR NO KEY UPDATE;
    END IF;
    UPDATE public.transition_rooms AS parent SET total_items = parent.total_items + change.n
        FROM (
            SELECT each.id, sum(each.n)::integer AS n
            FROM (SELECT unnest(v_came) AS id, 1 AS n UNION ALL SELECT unnest(v_gone), -1) AS each
            GROUP BY each.id
        ) AS change
        WHERE parent.id = change.id AND change.n <> 0;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION homeport.transition_rooms_total_items() FROM PUBLIC;
CREATE TRIGGER transition_rooms_total_items_insert AFTER INSERT ON public.transition_items
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_rooms_total_items();
CREATE TRIGGER transition_rooms_total_items_update AFTER UPDATE ON public.transition_items
    REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_rooms_total_items();
CREATE TRIGGER transition_rooms_total_items_delete AFTER DELETE ON public.transition_items
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_rooms_total_items();

CREATE FUNCTION homeport.transition_rooms_decided_items() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_came uuid[] := '{}';
    v_gone uuid[] := '{}';
BEGIN
    IF TG_OP <> 'DELETE' THEN
        v_came := ARRAY(SELECT came.room_id FROM came WHERE came.room_id IS NOT NULL AND NOT (came.decision IS NULL));
    END IF;
    IF TG_OP <> 'INSERT' THEN
        v_gone := ARRAY(SELECT gone.room_id FROM gone WHERE gone.room_id IS NOT NULL AND NOT (gone.decision IS NULL));
    END IF;
    IF v_came = v_gone THEN
        RETURN NULL;
    END IF;
    -- several rows are locked in one order, so that two statements never wait for each other
    IF cardinality(v_came || v_gone) > 1 THEN
        PERFORM FROM public.transition_rooms AS parent WHERE parent.id = ANY (v_came || v_gone)
            ORDER BY parent.id FOR NO KEY UPDATE;
    END IF;
    UPDATE public.transition_rooms AS parent SET decided_items = parent.decided_items + change.n
        FROM (
            SELECT each.id, sum(each.n)::integer AS n
            FROM (SELECT unnest(v_came) AS id, 1 AS n UNION ALL SELECT unnest(v_gone), -1) AS each
            GROUP BY each.id
        ) AS change
        WHERE parent.id = change.id AND change.n <> 0;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION homeport.transition_rooms_decided_items() FROM PUBLIC;
CREATE TRIGGER transition_rooms_decided_items_insert AFTER INSERT ON public.transition_items
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_rooms_decided_items();
CREATE TRIGGER transition_rooms_decided_items_update AFTER UPDATE ON public.transition_items
    REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_rooms_decided_items();
CREATE TRIGGER transition_rooms_decided_items_delete AFTER DELETE ON public.transition_items
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION homeport.transition_rooms_decided_items();
