DROP TABLE public.user_credentials;
DROP TABLE public.users;
