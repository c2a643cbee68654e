GRANT UPDATE, DELETE ON TABLE public.login_history TO service_role;
