ALTER TABLE public.users DROP CONSTRAINT IF EXISTS users_contact_id_fkey;
