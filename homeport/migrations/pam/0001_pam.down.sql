DROP TABLE public.campgrounds;
DROP TABLE public.user_settings;
DROP TABLE public.pam_admin_knowledge;
DROP TABLE public.pam_context;
DROP TABLE public.pam_memories;
DROP TABLE public.pam_interactions;
