-- calendar: what happens when, for one person.

CREATE TABLE public.calendar_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    title text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    start_date timestamptz NOT NULL,
    end_date timestamptz NOT NULL,
    all_day boolean DEFAULT false NOT NULL,
    event_type text COLLATE "C" DEFAULT 'personal' NOT NULL,
    location_name text COLLATE "C",
    reminder_minutes integer[] DEFAULT ARRAY[15]::integer[],
    color text COLLATE "C" DEFAULT '#3b82f6' NOT NULL,
    is_private boolean DEFAULT true NOT NULL,
    trip_id uuid,
    vehicle_id uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT calendar_events_pkey PRIMARY KEY (id),
    CONSTRAINT calendar_events_event_type_check CHECK (event_type IN ('personal', 'trip', 'maintenance', 'meeting', 'reminder', 'birthday', 'holiday')),
    CONSTRAINT calendar_events_end_date_check CHECK (end_date >= start_date),
    CONSTRAINT calendar_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX calendar_events_user_id_start_date_idx ON public.calendar_events (user_id, start_date);
ALTER TABLE public.calendar_events ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.calendar_events FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.calendar_events TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.calendar_events TO authenticated;
CREATE POLICY calendar_events_select ON public.calendar_events FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY calendar_events_insert ON public.calendar_events FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY calendar_events_update ON public.calendar_events FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY calendar_events_delete ON public.calendar_events FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER calendar_events_touch_updated_at BEFORE UPDATE ON public.calendar_events
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');
