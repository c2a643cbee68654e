ALTER TABLE public.pam_context DROP CONSTRAINT IF EXISTS pam_context_active_trip_id_fkey;
