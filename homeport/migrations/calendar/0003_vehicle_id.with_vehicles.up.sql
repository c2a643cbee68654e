-- homeport: no transaction
-- Rows from before vehicles was installed are checked in the last step, which stops no writer. If one refers to nothing,
-- new rows are checked all the same; set the column to NULL there and run this again.
ALTER TABLE public.calendar_events DROP CONSTRAINT IF EXISTS calendar_events_vehicle_id_fkey;
ALTER TABLE public.calendar_events ADD CONSTRAINT calendar_events_vehicle_id_fkey FOREIGN KEY (vehicle_id) REFERENCES public.vehicles (id) ON DELETE SET NULL NOT VALID;
ALTER TABLE public.calendar_events VALIDATE CONSTRAINT calendar_events_vehicle_id_fkey;
