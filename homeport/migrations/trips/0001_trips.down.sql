DROP POLICY trips_select ON public.trips;
DROP TABLE public.trip_expenses;
DROP TABLE public.trip_stops;
DROP TABLE public.trip_participants;
DROP TABLE public.trips;
