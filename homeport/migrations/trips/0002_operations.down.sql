DROP FUNCTION public.reorder_trip_stops(uuid, uuid, uuid[]);
DROP FUNCTION public.add_trip_stop(
    uuid, uuid, uuid, text, integer, numeric, numeric, text, text,
    timestamptz, timestamptz, timestamptz, timestamptz, integer, text, integer
);
