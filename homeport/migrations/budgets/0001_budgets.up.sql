-- budgets: what a person means to spend, what falls due again and again, and what was saved.

CREATE TABLE public.budgets (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    name text COLLATE "C",
    category text COLLATE "C" NOT NULL,
    amount numeric(12,2) NOT NULL,
    period text COLLATE "C" DEFAULT 'monthly' NOT NULL,
    start_date date NOT NULL,
    end_date date,
    alert_threshold numeric(5,2) DEFAULT '80.00'::numeric(5,2) NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT budgets_pkey PRIMARY KEY (id),
    CONSTRAINT budgets_user_id_category_period_start_date_key UNIQUE (user_id, category, period, start_date),
    CONSTRAINT budgets_period_check CHECK (period IN ('weekly', 'monthly', 'quarterly', 'yearly')),
    CONSTRAINT budgets_amount_check CHECK (amount >= 0),
    CONSTRAINT budgets_end_date_check CHECK (end_date >= start_date),
    CONSTRAINT budgets_alert_threshold_check CHECK (alert_threshold BETWEEN 0 AND 100),
    CONSTRAINT budgets_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX budgets_user_id_start_date_idx ON public.budgets (user_id, start_date DESC);
ALTER TABLE public.budgets ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.budgets FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.budgets TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.budgets TO authenticated;
CREATE POLICY budgets_select ON public.budgets FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY budgets_insert ON public.budgets FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY budgets_update ON public.budgets FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY budgets_delete ON public.budgets FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER budgets_touch_updated_at BEFORE UPDATE ON public.budgets
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.budget_categories (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    budget_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    budgeted_amount numeric(12,2) DEFAULT '0.00'::numeric(12,2) NOT NULL,
    spent_amount numeric(12,2) DEFAULT '0.00'::numeric(12,2) NOT NULL,
    color text COLLATE "C",
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT budget_categories_pkey PRIMARY KEY (id),
    CONSTRAINT budget_categories_budget_id_fkey FOREIGN KEY (budget_id) REFERENCES public.budgets (id) ON DELETE CASCADE,
    CONSTRAINT budget_categories_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX budget_categories_budget_id_name_key ON public.budget_categories (budget_id, lower(name COLLATE "C"));
CREATE INDEX budget_categories_budget_id_idx ON public.budget_categories (budget_id);
CREATE INDEX budget_categories_user_id_idx ON public.budget_categories (user_id);
ALTER TABLE public.budget_categories ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.budget_categories FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.budget_categories TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.budget_categories TO authenticated;
CREATE POLICY budget_categories_select ON public.budget_categories FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY budget_categories_insert ON public.budget_categories FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.budgets AS x1 WHERE x1.id = budget_categories.budget_id AND x1.user_id = (SELECT auth.uid()))));
CREATE POLICY budget_categories_update ON public.budget_categories FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND EXISTS (SELECT FROM public.budgets AS x1 WHERE x1.id = budget_categories.budget_id AND x1.user_id = (SELECT auth.uid()))));
CREATE POLICY budget_categories_delete ON public.budget_categories FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER budget_categories_touch_updated_at BEFORE UPDATE ON public.budget_categories
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.recurring_expenses (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    amount numeric(12,2) NOT NULL,
    currency varchar(3) COLLATE "C" DEFAULT 'USD' NOT NULL,
    category text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    frequency text COLLATE "C" NOT NULL,
    start_date date NOT NULL,
    next_due_date date NOT NULL,
    end_date date,
    is_active boolean DEFAULT true NOT NULL,
    last_generated_at timestamptz,
    budget_id uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT recurring_expenses_pkey PRIMARY KEY (id),
    CONSTRAINT recurring_expenses_user_id_id_key UNIQUE (user_id, id),
    CONSTRAINT recurring_expenses_frequency_check CHECK (frequency IN ('daily', 'weekly', 'biweekly', 'monthly', 'quarterly', 'yearly')),
    CONSTRAINT recurring_expenses_amount_check CHECK (amount > 0),
    CONSTRAINT recurring_expenses_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT recurring_expenses_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT recurring_expenses_budget_id_fkey FOREIGN KEY (budget_id) REFERENCES public.budgets (id) ON DELETE SET NULL
);
CREATE INDEX recurring_expenses_user_id_idx ON public.recurring_expenses (user_id);
CREATE INDEX recurring_expenses_next_due_date_idx ON public.recurring_expenses (next_due_date) WHERE is_active = true;
CREATE INDEX recurring_expenses_budget_id_idx ON public.recurring_expenses (budget_id);
ALTER TABLE public.recurring_expenses ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.recurring_expenses FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.recurring_expenses TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.recurring_expenses TO authenticated;
CREATE POLICY recurring_expenses_select ON public.recurring_expenses FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY recurring_expenses_insert ON public.recurring_expenses FOR INSERT TO authenticated
    WITH CHECK ((user_id = (SELECT auth.uid()) AND (budget_id IS NULL OR EXISTS (SELECT FROM public.budgets AS x1 WHERE x1.id = recurring_expenses.budget_id AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY recurring_expenses_update ON public.recurring_expenses FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK ((user_id = (SELECT auth.uid()) AND (budget_id IS NULL OR EXISTS (SELECT FROM public.budgets AS x1 WHERE x1.id = recurring_expenses.budget_id AND x1.user_id = (SELECT auth.uid())))));
CREATE POLICY recurring_expenses_delete ON public.recurring_expenses FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER recurring_expenses_touch_updated_at BEFORE UPDATE ON public.recurring_expenses
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.savings_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    amount_saved numeric(12,2) NOT NULL,
    category text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    baseline_cost numeric(12,2),
    optimized_cost numeric(12,2),
    description text COLLATE "C",
    saved_date date DEFAULT ((now() AT TIME ZONE 'UTC')::date) NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT savings_events_pkey PRIMARY KEY (id),
    CONSTRAINT savings_events_event_type_check CHECK (event_type IN ('gas', 'campground', 'route', 'other')),
    CONSTRAINT savings_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX savings_events_user_id_saved_date_idx ON public.savings_events (user_id, saved_date DESC);
ALTER TABLE public.savings_events ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.savings_events FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.savings_events TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.savings_events TO authenticated;
CREATE POLICY savings_events_select ON public.savings_events FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY savings_events_insert ON public.savings_events FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY savings_events_update ON public.savings_events FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY savings_events_delete ON public.savings_events FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
