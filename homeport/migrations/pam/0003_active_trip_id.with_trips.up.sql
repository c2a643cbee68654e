-- homeport: no transaction
-- Rows from before trips was installed are checked in the last step, which stops no writer. If one refers to nothing of
-- its user's, new rows are checked all the same; set the column to NULL there and run this again.
ALTER TABLE public.pam_context DROP CONSTRAINT IF EXISTS pam_context_active_trip_id_fkey;
ALTER TABLE public.pam_context ADD CONSTRAINT pam_context_active_trip_id_fkey FOREIGN KEY (user_id, active_trip_id) REFERENCES public.trips (user_id, id) ON DELETE SET NULL (active_trip_id) NOT VALID;
ALTER TABLE public.pam_context VALIDATE CONSTRAINT pam_context_active_trip_id_fkey;
