-- homeport: no transaction
-- Rows from before vehicles was installed are checked in the last step, which stops no writer. If one refers to nothing of
-- its user's, new rows are checked all the same; set the column to NULL there and run this again.
ALTER TABLE public.calendar_events DROP CONSTRAINT IF EXISTS calendar_events_vehicle_id_fkey;
ALTER TABLE public.calendar_events ADD CONSTRAINT calendar_events_vehicle_id_fkey FOREIGN KEY (user_id, vehicle_id) REFERENCES public.vehicles (user_id, id) ON DELETE SET NULL (vehicle_id) NOT VALID;
ALTER TABLE public.calendar_events VALIDATE CONSTRAINT calendar_events_vehicle_id_fkey;
