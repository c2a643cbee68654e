-- expenses: what a person spent.

CREATE TABLE public.expenses (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    amount numeric(12,2) NOT NULL,
    currency varchar(3) COLLATE "C" DEFAULT 'USD' NOT NULL,
    category text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    date date DEFAULT ((now() AT TIME ZONE 'UTC')::date) NOT NULL,
    location text COLLATE "C",
    vendor text COLLATE "C",
    receipt_url text COLLATE "C",
    payment_method text COLLATE "C",
    tags text[] COLLATE "C",
    recurring_expense_id uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT expenses_pkey PRIMARY KEY (id),
    CONSTRAINT expenses_amount_check CHECK (amount >= 0),
    CONSTRAINT expenses_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT expenses_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX expenses_user_id_date_idx ON public.expenses (user_id, date DESC);
CREATE INDEX expenses_user_id_category_idx ON public.expenses (user_id, category);
CREATE INDEX expenses_recurring_expense_id_idx ON public.expenses (recurring_expense_id);
ALTER TABLE public.expenses ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.expenses FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.expenses TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.expenses TO authenticated;
CREATE POLICY expenses_select ON public.expenses FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY expenses_insert ON public.expenses FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY expenses_update ON public.expenses FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY expenses_delete ON public.expenses FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER expenses_touch_updated_at BEFORE UPDATE ON public.expenses
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');
