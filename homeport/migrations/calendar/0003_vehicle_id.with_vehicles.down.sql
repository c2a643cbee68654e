ALTER TABLE public.calendar_events DROP CONSTRAINT IF EXISTS calendar_events_vehicle_id_fkey;
