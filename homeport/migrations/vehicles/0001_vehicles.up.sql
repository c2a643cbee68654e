-- vehicles: what a person drives, what was done to it, and what it was filled with.

CREATE TABLE public.vehicles (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    make text COLLATE "C",
    model text COLLATE "C",
    year integer,
    vin text COLLATE "C",
    license_plate text COLLATE "C",
    vehicle_type text COLLATE "C" DEFAULT 'rv' NOT NULL,
    fuel_type text COLLATE "C" DEFAULT 'gasoline' NOT NULL,
    fuel_capacity_gallons numeric(6,2),
    mileage_current integer,
    purchase_date date,
    purchase_price numeric(12,2),
    insurance_company text COLLATE "C",
    insurance_policy text COLLATE "C",
    insurance_expires date,
    registration_expires date,
    is_primary boolean DEFAULT false NOT NULL,
    notes text COLLATE "C",
    image_urls text[] COLLATE "C",
    specifications jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT vehicles_pkey PRIMARY KEY (id),
    CONSTRAINT vehicles_vin_key UNIQUE (vin),
    CONSTRAINT vehicles_user_id_id_key UNIQUE (user_id, id),
    CONSTRAINT vehicles_vehicle_type_check CHECK (vehicle_type IN ('rv', 'motorhome', 'travel_trailer', 'fifth_wheel', 'truck', 'van', 'car', 'motorcycle', 'boat')),
    CONSTRAINT vehicles_fuel_type_check CHECK (fuel_type IN ('gasoline', 'diesel', 'electric', 'hybrid', 'propane')),
    CONSTRAINT vehicles_year_check CHECK (year BETWEEN 1900 AND 2100),
    CONSTRAINT vehicles_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX vehicles_user_id_key ON public.vehicles (user_id) WHERE is_primary = true;
CREATE INDEX vehicles_user_id_idx ON public.vehicles (user_id);
ALTER TABLE public.vehicles ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.vehicles FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.vehicles TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.vehicles TO authenticated;
CREATE POLICY vehicles_select ON public.vehicles FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY vehicles_insert ON public.vehicles FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY vehicles_update ON public.vehicles FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY vehicles_delete ON public.vehicles FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER vehicles_touch_updated_at BEFORE UPDATE ON public.vehicles
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.maintenance_records (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    vehicle_id uuid NOT NULL,
    user_id uuid NOT NULL,
    task text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    date date NOT NULL,
    mileage integer,
    cost numeric(12,2),
    service_provider text COLLATE "C",
    location text COLLATE "C",
    next_due_date date,
    next_due_mileage integer,
    status text COLLATE "C" DEFAULT 'done' NOT NULL,
    receipt_url text COLLATE "C",
    notes text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT maintenance_records_pkey PRIMARY KEY (id),
    CONSTRAINT maintenance_records_status_check CHECK (status IN ('scheduled', 'done', 'overdue')),
    CONSTRAINT maintenance_records_mileage_check CHECK (mileage >= 0),
    CONSTRAINT maintenance_records_vehicle_id_fkey FOREIGN KEY (vehicle_id) REFERENCES public.vehicles (id) ON DELETE CASCADE,
    CONSTRAINT maintenance_records_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX maintenance_records_vehicle_id_date_idx ON public.maintenance_records (vehicle_id, date DESC);
CREATE INDEX maintenance_records_user_id_idx ON public.maintenance_records (user_id);
CREATE INDEX maintenance_records_next_due_date_idx ON public.maintenance_records (next_due_date);
ALTER TABLE public.maintenance_records ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.maintenance_records FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.maintenance_records TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.maintenance_records TO authenticated;
CREATE POLICY maintenance_records_select ON public.maintenance_records FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY maintenance_records_insert ON public.maintenance_records FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.vehicles AS x1 WHERE x1.id = maintenance_records.vehicle_id AND x1.user_id = (SELECT auth.uid()))));
CREATE POLICY maintenance_records_update ON public.maintenance_records FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.vehicles AS x1 WHERE x1.id = maintenance_records.vehicle_id AND x1.user_id = (SELECT auth.uid()))));
CREATE POLICY maintenance_records_delete ON public.maintenance_records FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER maintenance_records_touch_updated_at BEFORE UPDATE ON public.maintenance_records
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.fuel_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    vehicle_id uuid NOT NULL,
    user_id uuid NOT NULL,
    date date NOT NULL,
    volume numeric(8,3) NOT NULL,
    unit text COLLATE "C" DEFAULT 'gal' NOT NULL,
    price_per_unit numeric(8,3),
    total_cost numeric(12,2),
    odometer integer,
    filled_to_top boolean DEFAULT true NOT NULL,
    mpg numeric(6,2),
    location text COLLATE "C",
    station_name text COLLATE "C",
    receipt_url text COLLATE "C",
    notes text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT fuel_logs_pkey PRIMARY KEY (id),
    CONSTRAINT fuel_logs_unit_check CHECK (unit IN ('gal', 'l')),
    CONSTRAINT fuel_logs_volume_check CHECK (volume > 0),
    CONSTRAINT fuel_logs_vehicle_id_fkey FOREIGN KEY (vehicle_id) REFERENCES public.vehicles (id) ON DELETE CASCADE,
    CONSTRAINT fuel_logs_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX fuel_logs_vehicle_id_date_idx ON public.fuel_logs (vehicle_id, date DESC);
CREATE INDEX fuel_logs_user_id_idx ON public.fuel_logs (user_id);
ALTER TABLE public.fuel_logs ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.fuel_logs FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.fuel_logs TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.fuel_logs TO authenticated;
CREATE POLICY fuel_logs_select ON public.fuel_logs FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY fuel_logs_insert ON public.fuel_logs FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.vehicles AS x1 WHERE x1.id = fuel_logs.vehicle_id AND x1.user_id = (SELECT auth.uid()))));
CREATE POLICY fuel_logs_update ON public.fuel_logs FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.vehicles AS x1 WHERE x1.id = fuel_logs.vehicle_id AND x1.user_id = (SELECT auth.uid()))));
CREATE POLICY fuel_logs_delete ON public.fuel_logs FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER fuel_logs_touch_updated_at BEFORE UPDATE ON public.fuel_logs
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');
