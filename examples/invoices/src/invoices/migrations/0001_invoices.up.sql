CREATE TABLE public.invoices (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    number text COLLATE "C" NOT NULL,
    issued_on date NOT NULL,
    due_on date NOT NULL,
    total numeric(12,2) NOT NULL,
    currency varchar(3) COLLATE "C" DEFAULT 'USD' NOT NULL,
    status text COLLATE "C" DEFAULT 'draft' NOT NULL,
    paid_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT invoices_pkey PRIMARY KEY (id),
    CONSTRAINT invoices_status_check CHECK (status IN ('draft', 'sent', 'paid')),
    CONSTRAINT invoices_due_on_check CHECK (due_on >= issued_on),
    CONSTRAINT invoices_total_check CHECK (total >= 0),
    CONSTRAINT invoices_paid_check CHECK ((status = 'paid') = (paid_at IS NOT NULL)),
    CONSTRAINT invoices_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX invoices_user_id_number_key ON public.invoices (user_id, number) WHERE deleted_at IS NULL;
CREATE INDEX invoices_user_id_status_due_on_idx ON public.invoices (user_id, status, due_on);
ALTER TABLE public.invoices ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.invoices FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.invoices TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.invoices TO authenticated;
CREATE POLICY invoices_select ON public.invoices FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY invoices_insert ON public.invoices FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY invoices_update ON public.invoices FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY invoices_delete ON public.invoices FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER invoices_touch_updated_at BEFORE UPDATE ON public.invoices
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.invoice_lines (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    invoice_id uuid NOT NULL,
    position integer NOT NULL,
    description text COLLATE "C" NOT NULL,
    amount numeric(12,2) NOT NULL,
    CONSTRAINT invoice_lines_pkey PRIMARY KEY (id),
    CONSTRAINT invoice_lines_invoice_id_position_key UNIQUE (invoice_id, position),
    CONSTRAINT invoice_lines_position_check CHECK (position >= 1),
    CONSTRAINT invoice_lines_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoices (id) ON DELETE CASCADE
);
ALTER TABLE public.invoice_lines ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.invoice_lines FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.invoice_lines TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.invoice_lines TO authenticated;
CREATE POLICY invoice_lines_select ON public.invoice_lines FOR SELECT TO authenticated
    USING (EXISTS (SELECT FROM public.invoices AS x1 WHERE x1.id = invoice_lines.invoice_id AND (x1.deleted_at IS NULL AND x1.user_id = (SELECT auth.uid()))));
CREATE POLICY invoice_lines_insert ON public.invoice_lines FOR INSERT TO authenticated
    WITH CHECK (EXISTS (SELECT FROM public.invoices AS x1 WHERE x1.id = invoice_lines.invoice_id AND (x1.deleted_at IS NULL AND x1.user_id = (SELECT auth.uid()))));
CREATE POLICY invoice_lines_update ON public.invoice_lines FOR UPDATE TO authenticated
    USING (EXISTS (SELECT FROM public.invoices AS x1 WHERE x1.id = invoice_lines.invoice_id AND (x1.deleted_at IS NULL AND x1.user_id = (SELECT auth.uid()))))
    WITH CHECK (EXISTS (SELECT FROM public.invoices AS x1 WHERE x1.id = invoice_lines.invoice_id AND (x1.deleted_at IS NULL AND x1.user_id = (SELECT auth.uid()))));
CREATE POLICY invoice_lines_delete ON public.invoice_lines FOR DELETE TO authenticated
    USING (EXISTS (SELECT FROM public.invoices AS x1 WHERE x1.id = invoice_lines.invoice_id AND (x1.deleted_at IS NULL AND x1.user_id = (SELECT auth.uid()))));

-- The operation. It locks in a statement of its own and then looks: one statement would look before it waits.
CREATE FUNCTION public.pay_invoice(p_invoice_id uuid, p_user_id uuid)
RETURNS TABLE (status text, paid_at timestamptz, newly_paid boolean)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE
    v_newly_paid boolean;
BEGIN
    PERFORM 1 FROM public.invoices AS i
        WHERE i.id = p_invoice_id AND i.user_id = p_user_id AND i.deleted_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE public.invoices AS i SET status = 'paid', paid_at = now() WHERE i.id = p_invoice_id AND i.status = 'sent';
    v_newly_paid := FOUND;
    RETURN QUERY SELECT i.status, i.paid_at, v_newly_paid FROM public.invoices AS i WHERE i.id = p_invoice_id;
END $$;
REVOKE ALL ON FUNCTION public.pay_invoice(uuid, uuid) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.pay_invoice(uuid, uuid) TO authenticated, service_role;
