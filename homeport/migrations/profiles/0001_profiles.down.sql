DROP VIEW public.public_profiles;
DROP TABLE public.profiles;
