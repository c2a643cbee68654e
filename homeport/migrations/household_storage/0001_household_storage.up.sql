-- household_storage: what a person has, of what kind it is, and where it lies.

CREATE TABLE public.storage_categories (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    color text COLLATE "C",
    icon text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT storage_categories_pkey PRIMARY KEY (id),
    CONSTRAINT storage_categories_user_id_id_key UNIQUE (user_id, id),
    CONSTRAINT storage_categories_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX storage_categories_user_id_name_key ON public.storage_categories (user_id, lower(name COLLATE "C"));
ALTER TABLE public.storage_categories ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.storage_categories FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.storage_categories TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.storage_categories TO authenticated;
CREATE POLICY storage_categories_select ON public.storage_categories FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY storage_categories_insert ON public.storage_categories FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY storage_categories_update ON public.storage_categories FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY storage_categories_delete ON public.storage_categories FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER storage_categories_touch_updated_at BEFORE UPDATE ON public.storage_categories
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.storage_locations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT storage_locations_pkey PRIMARY KEY (id),
    CONSTRAINT storage_locations_user_id_id_key UNIQUE (user_id, id),
    CONSTRAINT storage_locations_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX storage_locations_user_id_name_key ON public.storage_locations (user_id, lower(name COLLATE "C"));
ALTER TABLE public.storage_locations ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.storage_locations FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.storage_locations TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.storage_locations TO authenticated;
CREATE POLICY storage_locations_select ON public.storage_locations FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY storage_locations_insert ON public.storage_locations FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY storage_locations_update ON public.storage_locations FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY storage_locations_delete ON public.storage_locations FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER storage_locations_touch_updated_at BEFORE UPDATE ON public.storage_locations
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.storage_items (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    category_id uuid,
    location_id uuid,
    quantity integer DEFAULT 1 NOT NULL,
    weight_lbs numeric(8,2),
    notes text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT storage_items_pkey PRIMARY KEY (id),
    CONSTRAINT storage_items_quantity_check CHECK (quantity >= 0),
    CONSTRAINT storage_items_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT storage_items_category_id_fkey FOREIGN KEY (user_id, category_id) REFERENCES public.storage_categories (user_id, id) ON DELETE SET NULL (category_id),
    CONSTRAINT storage_items_location_id_fkey FOREIGN KEY (user_id, location_id) REFERENCES public.storage_locations (user_id, id) ON DELETE SET NULL (location_id)
);
CREATE INDEX storage_items_user_id_name_idx ON public.storage_items (user_id, name);
CREATE INDEX storage_items_category_id_idx ON public.storage_items (category_id);
CREATE INDEX storage_items_location_id_idx ON public.storage_items (location_id);
ALTER TABLE public.storage_items ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.storage_items FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.storage_items TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.storage_items TO authenticated;
CREATE POLICY storage_items_select ON public.storage_items FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY storage_items_insert ON public.storage_items FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY storage_items_update ON public.storage_items FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY storage_items_delete ON public.storage_items FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER storage_items_touch_updated_at BEFORE UPDATE ON public.storage_items
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');
