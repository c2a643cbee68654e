DROP TABLE public.system_config;
DROP TABLE public.audit_logs;
