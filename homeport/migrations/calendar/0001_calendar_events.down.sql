DROP TABLE public.calendar_events;
