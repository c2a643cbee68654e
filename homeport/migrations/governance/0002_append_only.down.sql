GRANT UPDATE, DELETE ON TABLE public.audit_logs TO service_role;
