-- trips: a way planned by one person, its stops, who comes along, and what it costs.

CREATE TABLE public.trips (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    title text COLLATE "C",
    origin text COLLATE "C" NOT NULL,
    destination text COLLATE "C" NOT NULL,
    start_date date,
    end_date date,
    distance_miles numeric(10,2),
    estimated_cost numeric(12,2),
    actual_cost numeric(12,2),
    status text COLLATE "C" DEFAULT 'planned' NOT NULL,
    notes text COLLATE "C",
    route_data jsonb,
    privacy_level text COLLATE "C" DEFAULT 'private' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT trips_pkey PRIMARY KEY (id),
    CONSTRAINT trips_user_id_id_key UNIQUE (user_id, id),
    CONSTRAINT trips_status_check CHECK (status IN ('planned', 'active', 'completed', 'cancelled')),
    CONSTRAINT trips_privacy_level_check CHECK (privacy_level IN ('private', 'friends', 'public')),
    CONSTRAINT trips_end_date_check CHECK (end_date >= start_date),
    CONSTRAINT trips_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX trips_user_id_start_date_idx ON public.trips (user_id, start_date DESC);
CREATE INDEX trips_status_idx ON public.trips (status);
ALTER TABLE public.trips ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.trips FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.trips TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.trips TO authenticated;
CREATE POLICY trips_insert ON public.trips FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY trips_update ON public.trips FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY trips_delete ON public.trips FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER trips_touch_updated_at BEFORE UPDATE ON public.trips
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.trip_participants (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    trip_id uuid NOT NULL,
    trip_owner_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text COLLATE "C" DEFAULT 'member' NOT NULL,
    status text COLLATE "C" DEFAULT 'invited' NOT NULL,
    joined_at timestamptz,
    CONSTRAINT trip_participants_pkey PRIMARY KEY (id),
    CONSTRAINT trip_participants_trip_id_user_id_key UNIQUE (trip_id, user_id),
    CONSTRAINT trip_participants_role_check CHECK (role IN ('owner', 'member', 'viewer')),
    CONSTRAINT trip_participants_status_check CHECK (status IN ('invited', 'accepted', 'declined')),
    CONSTRAINT trip_participants_trip_id_fkey FOREIGN KEY (trip_owner_id, trip_id) REFERENCES public.trips (user_id, id) ON DELETE CASCADE,
    CONSTRAINT trip_participants_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX trip_participants_user_id_idx ON public.trip_participants (user_id);
CREATE INDEX trip_participants_trip_owner_id_idx ON public.trip_participants (trip_owner_id);
ALTER TABLE public.trip_participants ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.trip_participants FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.trip_participants TO service_role;
GRANT SELECT, INSERT, DELETE ON TABLE public.trip_participants TO authenticated;
GRANT UPDATE (
    status, joined_at
) ON TABLE public.trip_participants TO authenticated;
CREATE POLICY trip_participants_select ON public.trip_participants FOR SELECT TO authenticated
    USING ((user_id = (SELECT auth.uid()) OR trip_owner_id = (SELECT auth.uid())));
CREATE POLICY trip_participants_insert ON public.trip_participants FOR INSERT TO authenticated
    WITH CHECK (trip_owner_id = (SELECT auth.uid()));
CREATE POLICY trip_participants_update ON public.trip_participants FOR UPDATE TO authenticated
    USING ((user_id = (SELECT auth.uid()) OR trip_owner_id = (SELECT auth.uid())))
    WITH CHECK ((user_id = (SELECT auth.uid()) OR trip_owner_id = (SELECT auth.uid())));
CREATE POLICY trip_participants_delete ON public.trip_participants FOR DELETE TO authenticated
    USING ((user_id = (SELECT auth.uid()) OR trip_owner_id = (SELECT auth.uid())));

CREATE TABLE public.trip_stops (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    trip_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    stop_order integer NOT NULL,
    latitude numeric(9,6),
    longitude numeric(9,6),
    address text COLLATE "C",
    stop_type text COLLATE "C" DEFAULT 'stop' NOT NULL,
    planned_arrival timestamptz,
    planned_departure timestamptz,
    actual_arrival timestamptz,
    actual_departure timestamptz,
    visit_minutes integer,
    notes text COLLATE "C",
    rating integer,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT trip_stops_pkey PRIMARY KEY (id),
    CONSTRAINT trip_stops_trip_id_stop_order_key UNIQUE (trip_id, stop_order),
    CONSTRAINT trip_stops_stop_type_check CHECK (stop_type IN ('stop', 'fuel', 'food', 'lodging', 'attraction', 'rest')),
    CONSTRAINT trip_stops_stop_order_check CHECK (stop_order >= 0),
    CONSTRAINT trip_stops_latitude_check CHECK (latitude BETWEEN -90 AND 90),
    CONSTRAINT trip_stops_longitude_check CHECK (longitude BETWEEN -180 AND 180),
    CONSTRAINT trip_stops_rating_check CHECK (rating BETWEEN 1 AND 5),
    CONSTRAINT trip_stops_trip_id_fkey FOREIGN KEY (trip_id) REFERENCES public.trips (id) ON DELETE CASCADE
);
ALTER TABLE public.trip_stops ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.trip_stops FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.trip_stops TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.trip_stops TO authenticated;
CREATE POLICY trip_stops_select ON public.trip_stops FOR SELECT TO authenticated
    USING (EXISTS (SELECT FROM public.trips AS x1 WHERE x1.id = trip_stops.trip_id AND true));
CREATE POLICY trip_stops_insert ON public.trip_stops FOR INSERT TO authenticated
    WITH CHECK (EXISTS (SELECT FROM public.trips AS x1 WHERE x1.id = trip_stops.trip_id AND x1.user_id = (SELECT auth.uid())));
CREATE POLICY trip_stops_update ON public.trip_stops FOR UPDATE TO authenticated
    USING (EXISTS (SELECT FROM public.trips AS x1 WHERE x1.id = trip_stops.trip_id AND x1.user_id = (SELECT auth.uid())))
    WITH CHECK (EXISTS (SELECT FROM public.trips AS x1 WHERE x1.id = trip_stops.trip_id AND x1.user_id = (SELECT auth.uid())));
CREATE POLICY trip_stops_delete ON public.trip_stops FOR DELETE TO authenticated
    USING (EXISTS (SELECT FROM public.trips AS x1 WHERE x1.id = trip_stops.trip_id AND x1.user_id = (SELECT auth.uid())));
CREATE TRIGGER trip_stops_touch_updated_at BEFORE UPDATE ON public.trip_stops
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.trip_expenses (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    trip_id uuid NOT NULL,
    user_id uuid,
    amount numeric(12,2) NOT NULL,
    currency varchar(3) COLLATE "C" DEFAULT 'USD' NOT NULL,
    category text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    vendor text COLLATE "C",
    payment_method text COLLATE "C",
    receipt_url text COLLATE "C",
    expense_date date DEFAULT ((now() AT TIME ZONE 'UTC')::date) NOT NULL,
    tags text[] COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT trip_expenses_pkey PRIMARY KEY (id),
    CONSTRAINT trip_expenses_category_check CHECK (category IN ('fuel', 'food', 'lodging', 'attractions', 'maintenance', 'other')),
    CONSTRAINT trip_expenses_amount_check CHECK (amount >= 0),
    CONSTRAINT trip_expenses_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT trip_expenses_trip_id_fkey FOREIGN KEY (trip_id) REFERENCES public.trips (id) ON DELETE CASCADE,
    CONSTRAINT trip_expenses_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE SET NULL
);
CREATE INDEX trip_expenses_trip_id_expense_date_idx ON public.trip_expenses (trip_id, expense_date);
CREATE INDEX trip_expenses_user_id_idx ON public.trip_expenses (user_id);
ALTER TABLE public.trip_expenses ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.trip_expenses FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.trip_expenses TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.trip_expenses TO authenticated;
CREATE POLICY trip_expenses_select ON public.trip_expenses FOR SELECT TO authenticated
    USING (EXISTS (SELECT FROM public.trips AS x1 WHERE x1.id = trip_expenses.trip_id AND true));
CREATE POLICY trip_expenses_insert ON public.trip_expenses FOR INSERT TO authenticated
    WITH CHECK (EXISTS (SELECT FROM public.trips AS x1 WHERE x1.id = trip_expenses.trip_id AND x1.user_id = (SELECT auth.uid())));
CREATE POLICY trip_expenses_update ON public.trip_expenses FOR UPDATE TO authenticated
    USING (EXISTS (SELECT FROM public.trips AS x1 WHERE x1.id = trip_expenses.trip_id AND x1.user_id = (SELECT auth.uid())))
    WITH CHECK (EXISTS (SELECT FROM public.trips AS x1 WHERE x1.id = trip_expenses.trip_id AND x1.user_id = (SELECT auth.uid())));
CREATE POLICY trip_expenses_delete ON public.trip_expenses FOR DELETE TO authenticated
    USING (EXISTS (SELECT FROM public.trips AS x1 WHERE x1.id = trip_expenses.trip_id AND x1.user_id = (SELECT auth.uid())));
CREATE TRIGGER trip_expenses_touch_updated_at BEFORE UPDATE ON public.trip_expenses
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');
CREATE POLICY trips_select ON public.trips FOR SELECT TO authenticated
    USING ((user_id = (SELECT auth.uid()) OR EXISTS (SELECT FROM public.trip_participants AS x1 WHERE x1.trip_owner_id = trips.user_id AND x1.trip_id = trips.id AND (x1.user_id = (SELECT auth.uid()) AND x1.status = 'accepted'))));
