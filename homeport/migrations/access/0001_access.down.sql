DROP TABLE public.security_events;
DROP TABLE public.admin_users;
DROP TABLE public.login_history;
DROP TABLE public.user_sessions;
