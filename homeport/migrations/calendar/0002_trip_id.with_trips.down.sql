ALTER TABLE public.calendar_events DROP CONSTRAINT IF EXISTS calendar_events_trip_id_fkey;
