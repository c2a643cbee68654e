-- A stop at the end of a trip, or where it is wanted. The trip is locked in a statement of its own, and only then is
-- its last stop looked for: so calls for one trip take turns. Only who may change the trip can lock it; no row comes
-- back for anybody else, or where there is no such trip.
CREATE FUNCTION public.add_trip_stop(
    p_trip_id uuid, p_user_id uuid, p_id uuid, p_name text, p_stop_order integer, p_latitude numeric,
    p_longitude numeric, p_address text, p_stop_type text, p_planned_arrival timestamptz,
    p_planned_departure timestamptz, p_actual_arrival timestamptz, p_actual_departure timestamptz,
    p_visit_minutes integer, p_notes text, p_rating integer
) RETURNS TABLE (
    id uuid, trip_id uuid, name text, stop_order integer, latitude numeric, longitude numeric, address text,
    stop_type text, planned_arrival timestamptz, planned_departure timestamptz, actual_arrival timestamptz,
    actual_departure timestamptz, visit_minutes integer, notes text, rating integer, created_at timestamptz,
    updated_at timestamptz
)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM public.trips AS trip
        WHERE trip.id = p_trip_id AND (p_user_id IS NULL OR trip.user_id = p_user_id) FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY INSERT INTO public.trip_stops AS stop (
            id, trip_id, name, stop_order, latitude, longitude, address, stop_type, planned_arrival, planned_departure,
            actual_arrival, actual_departure, visit_minutes, notes, rating
        ) VALUES (
            p_id, p_trip_id, p_name,
            coalesce(
                p_stop_order,
                (SELECT max(there.stop_order) + 1 FROM public.trip_stops AS there WHERE there.trip_id = p_trip_id),
                0
            ),
            p_latitude, p_longitude, p_address, p_stop_type, p_planned_arrival, p_planned_departure, p_actual_arrival,
            p_actual_departure, p_visit_minutes, p_notes, p_rating
        ) RETURNING stop.id, stop.trip_id, stop.name, stop.stop_order, stop.latitude, stop.longitude, stop.address,
            stop.stop_type, stop.planned_arrival, stop.planned_departure, stop.actual_arrival, stop.actual_departure,
            stop.visit_minutes, stop.notes, stop.rating, stop.created_at, stop.updated_at;
END
$$;
REVOKE ALL ON FUNCTION public.add_trip_stop(
    uuid, uuid, uuid, text, integer, numeric, numeric, text, text,
    timestamptz, timestamptz, timestamptz, timestamptz, integer, text, integer
) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.add_trip_stop(
    uuid, uuid, uuid, text, integer, numeric, numeric, text, text,
    timestamptz, timestamptz, timestamptz, timestamptz, integer, text, integer
) TO authenticated, service_role;

-- The stops of a trip in a new order, numbered from 0, under the same lock. Places are unique at any moment: those that
-- move go behind all others first, and then to the places that are free by then. Nothing is done where the ids are not
-- all of the trip's stops, each once.
CREATE FUNCTION public.reorder_trip_stops(p_trip_id uuid, p_user_id uuid, p_stop_ids uuid[])
RETURNS TABLE (complete boolean)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE
    v_last integer;
    v_there uuid[];
BEGIN
    PERFORM FROM public.trips AS trip
        WHERE trip.id = p_trip_id AND (p_user_id IS NULL OR trip.user_id = p_user_id) FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT max(stop.stop_order), array_agg(stop.id ORDER BY stop.id) INTO v_last, v_there
        FROM public.trip_stops AS stop WHERE stop.trip_id = p_trip_id;
    IF v_there IS DISTINCT FROM
        (SELECT array_agg(wanted.id ORDER BY wanted.id) FROM unnest(p_stop_ids) AS wanted(id))
    THEN
        RETURN QUERY SELECT false;
        RETURN;
    END IF;
    UPDATE public.trip_stops AS stop SET stop_order = v_last + wanted.place::integer
        FROM unnest(p_stop_ids) WITH ORDINALITY AS wanted(id, place)
        WHERE stop.id = wanted.id AND stop.stop_order <> wanted.place - 1;
    UPDATE public.trip_stops AS stop SET stop_order = stop.stop_order - v_last - 1
        WHERE stop.trip_id = p_trip_id AND stop.stop_order > v_last;
    RETURN QUERY SELECT true;
END
$$;
REVOKE ALL ON FUNCTION public.reorder_trip_stops(uuid, uuid, uuid[]) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.reorder_trip_stops(uuid, uuid, uuid[]) TO authenticated, service_role;
