-- affiliate_shop: products that others sell with their counted clicks, the clicks, and what users report of them.

CREATE TABLE public.affiliate_products (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    title text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    short_description text COLLATE "C",
    category text COLLATE "C" NOT NULL,
    price numeric(12,2),
    currency varchar(3) COLLATE "C" DEFAULT 'USD' NOT NULL,
    image_url text COLLATE "C",
    additional_images text[] COLLATE "C",
    affiliate_provider text COLLATE "C" NOT NULL,
    affiliate_url text COLLATE "C" NOT NULL,
    commission_rate numeric(5,2),
    asin text COLLATE "C",
    regional_prices jsonb,
    regional_urls jsonb,
    availability_status text COLLATE "C",
    is_featured boolean DEFAULT false NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    click_count integer DEFAULT 0 NOT NULL,
    sort_order integer DEFAULT 0 NOT NULL,
    tags text[] COLLATE "C",
    created_by uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT affiliate_products_pkey PRIMARY KEY (id),
    CONSTRAINT affiliate_products_category_check CHECK (category IN ('recovery_gear', 'camping_expedition', 'tools_maintenance', 'parts_upgrades', 'books_manuals', 'apparel_merchandise', 'electronics', 'outdoor_gear')),
    CONSTRAINT affiliate_products_affiliate_provider_check CHECK (affiliate_provider IN ('amazon', 'ebay', 'custom')),
    CONSTRAINT affiliate_products_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT affiliate_products_click_count_check CHECK (click_count >= 0),
    CONSTRAINT affiliate_products_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users (id) ON DELETE SET NULL
);
CREATE INDEX affiliate_products_category_sort_order_idx ON public.affiliate_products (category, sort_order) WHERE is_active = true;
CREATE INDEX affiliate_products_created_by_idx ON public.affiliate_products (created_by);
ALTER TABLE public.affiliate_products ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.affiliate_products FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.affiliate_products TO service_role;
GRANT SELECT ON TABLE public.affiliate_products TO authenticated;
CREATE POLICY affiliate_products_select ON public.affiliate_products FOR SELECT TO authenticated
    USING (is_active = true);
CREATE TRIGGER affiliate_products_touch_updated_at BEFORE UPDATE ON public.affiliate_products
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.product_clicks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    product_id uuid NOT NULL,
    user_id uuid,
    clicked_at timestamptz DEFAULT now() NOT NULL,
    referrer text COLLATE "C",
    user_agent text COLLATE "C",
    ip_address inet,
    metadata jsonb,
    CONSTRAINT product_clicks_pkey PRIMARY KEY (id),
    CONSTRAINT product_clicks_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.affiliate_products (id) ON DELETE CASCADE,
    CONSTRAINT product_clicks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE SET NULL
);
CREATE INDEX product_clicks_product_id_clicked_at_idx ON public.product_clicks (product_id, clicked_at);
CREATE INDEX product_clicks_user_id_idx ON public.product_clicks (user_id);
ALTER TABLE public.product_clicks ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.product_clicks FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.product_clicks TO service_role;
GRANT SELECT, INSERT ON TABLE public.product_clicks TO authenticated;
CREATE POLICY product_clicks_select ON public.product_clicks FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY product_clicks_insert ON public.product_clicks FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) OR user_id IS NULL));

CREATE TABLE public.product_reports (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    product_id uuid NOT NULL,
    user_id uuid,
    reason text COLLATE "C" NOT NULL,
    notes text COLLATE "C",
    product_snapshot jsonb,
    status text COLLATE "C" DEFAULT 'pending' NOT NULL,
    admin_notes text COLLATE "C",
    reviewed_at timestamptz,
    reviewed_by uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT product_reports_pkey PRIMARY KEY (id),
    CONSTRAINT product_reports_reason_check CHECK (reason IN ('incorrect_price', 'out_of_stock', 'discontinued', 'broken_link', 'wrong_image', 'wrong_description', 'other')),
    CONSTRAINT product_reports_status_check CHECK (status IN ('pending', 'reviewed', 'resolved', 'dismissed')),
    CONSTRAINT product_reports_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.affiliate_products (id) ON DELETE CASCADE,
    CONSTRAINT product_reports_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE SET NULL,
    CONSTRAINT product_reports_reviewed_by_fkey FOREIGN KEY (reviewed_by) REFERENCES public.users (id) ON DELETE SET NULL
);
CREATE INDEX product_reports_product_id_idx ON public.product_reports (product_id);
CREATE INDEX product_reports_status_idx ON public.product_reports (status);
CREATE INDEX product_reports_user_id_idx ON public.product_reports (user_id);
CREATE INDEX product_reports_reviewed_by_idx ON public.product_reports (reviewed_by);
ALTER TABLE public.product_reports ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.product_reports FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.product_reports TO service_role;
GRANT SELECT, INSERT ON TABLE public.product_reports TO authenticated;
CREATE POLICY product_reports_select ON public.product_reports FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY product_reports_insert ON public.product_reports FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND status = 'pending' AND admin_notes IS NULL AND reviewed_at IS NULL AND reviewed_by IS NULL));
CREATE TRIGGER product_reports_touch_updated_at BEFORE UPDATE ON public.product_reports
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE FUNCTION homeport.affiliate_products_click_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_came uuid[] := '{}';
    v_gone uuid[] := '{}';
BEGIN
    IF TG_OP <> 'DELETE' THEN
        v_came := ARRAY(SELECT came.product_id FROM came WHERE came.product_id IS NOT NULL);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        v_gone := ARRAY(SELECT gone.product_id FROM gone WHERE gone.product_id IS NOT NULL);
    END IF;
    IF v_came = v_gone THEN
        RETURN NULL;
    END IF;
    -- several rows are locked in one order, so that two statements never wait for each other
    IF cardinality(v_came || v_gone) > 1 THEN
        PERFORM FROM public.affiliate_products AS parent WHERE parent.id = ANY (v_came || v_gone)
            ORDER BY parent.id FOR NO KEY UPDATE;
    END IF;
    UPDATE public.affiliate_products AS parent SET click_count = parent.click_count + change.n
        FROM (
            SELECT each.id, sum(each.n)::integer AS n
            FROM (SELECT unnest(v_came) AS id, 1 AS n UNION ALL SELECT unnest(v_gone), -1) AS each
            GROUP BY each.id
        ) AS change
        WHERE parent.id = change.id AND change.n <> 0;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION homeport.affiliate_products_click_count() FROM PUBLIC;
CREATE TRIGGER affiliate_products_click_count_insert AFTER INSERT ON public.product_clicks
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.affiliate_products_click_count();
CREATE TRIGGER affiliate_products_click_count_update AFTER UPDATE ON public.product_clicks
    REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.affiliate_products_click_count();
CREATE TRIGGER affiliate_products_click_count_delete AFTER DELETE ON public.product_clicks
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION homeport.affiliate_products_click_count();
