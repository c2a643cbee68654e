-- Begin a plan: profile, tasks and milestones, all of it or nothing. The rows come as arguments, for their texts are
-- the application's. Who loses the race for the profile waits at the unique index until the winner's rows are there,
-- and then finds the plan; the loop is for a plan that was archived in between.
CREATE FUNCTION public.initialize_transition(
    p_user_id uuid, p_departure_date date, p_phase text, p_tasks jsonb, p_milestones jsonb
) RETURNS TABLE (profile_id uuid, created boolean)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE
    v_id uuid;
BEGIN
    LOOP
        INSERT INTO public.transition_profiles (user_id, departure_date, current_phase)
            VALUES (p_user_id, p_departure_date, p_phase)
            ON CONFLICT (user_id) WHERE archived_at IS NULL DO NOTHING RETURNING id INTO v_id;
        EXIT WHEN FOUND;
        SELECT id INTO v_id FROM public.transition_profiles WHERE user_id = p_user_id AND archived_at IS NULL;
        IF FOUND THEN
            RETURN QUERY SELECT v_id, false;
            RETURN;
        END IF;
    END LOOP;
    INSERT INTO public.transition_tasks (
        user_id, profile_id, title, description, category, is_system_task, priority, estimated_hours,
        suggested_start_date, suggested_completion_date, milestone, days_before_departure
    )
    SELECT p_user_id, v_id, task.title, task.description, task.category, true, task.priority, task.estimated_hours,
        task.suggested_start_date, task.suggested_completion_date, task.milestone, task.days_before_departure
    FROM jsonb_to_recordset(p_tasks) AS task (
        title text, description text, category text, priority text, estimated_hours numeric,
        suggested_start_date date, suggested_completion_date date, milestone text, days_before_departure integer
    );
    INSERT INTO public.transition_timeline (
        user_id, profile_id, milestone_type, milestone_name, milestone_date, celebration_message
    )
    SELECT p_user_id, v_id, given.milestone_type, given.milestone_name, given.milestone_date, given.celebration_message
    FROM jsonb_to_recordset(p_milestones) AS given (
        milestone_type text, milestone_name text, milestone_date date, celebration_message text
    );
    RETURN QUERY SELECT v_id, true;
END
$$;
REVOKE ALL ON FUNCTION public.initialize_transition(uuid, date, text, jsonb, jsonb) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.initialize_transition(uuid, date, text, jsonb, jsonb) TO authenticated, service_role;

-- Move the departure, and what is open with it. Tasks are locked before the profile, as by whoever completes one and
-- moves the profile's count after that. No row comes back where there is no live plan.
CREATE FUNCTION public.reschedule_transition(
    p_user_id uuid, p_departure_date date, p_today date, p_phase text, p_lead_days integer, p_milestones jsonb
) RETURNS TABLE (profile_id uuid)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE
    v_id uuid;
BEGIN
    SELECT id INTO v_id FROM public.transition_profiles WHERE user_id = p_user_id AND archived_at IS NULL;
    PERFORM FROM public.transition_tasks
        WHERE profile_id = v_id AND NOT is_completed AND days_before_departure IS NOT NULL
        ORDER BY id FOR NO KEY UPDATE;
    UPDATE public.transition_profiles SET departure_date = p_departure_date, current_phase = p_phase
        WHERE id = v_id AND archived_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE public.transition_tasks
        SET suggested_start_date = greatest(p_departure_date - days_before_departure - p_lead_days, p_today),
            suggested_completion_date = greatest(p_departure_date - days_before_departure, p_today)
        WHERE profile_id = v_id AND NOT is_completed AND days_before_departure IS NOT NULL;
    INSERT INTO public.transition_timeline (
        user_id, profile_id, milestone_type, milestone_name, milestone_date, celebration_message
    )
    SELECT p_user_id, v_id, given.milestone_type, given.milestone_name, given.milestone_date, given.celebration_message
    FROM jsonb_to_recordset(p_milestones) AS given (
        milestone_type text, milestone_name text, milestone_date date, celebration_message text
    )
    WHERE given.milestone_date >= p_today AND NOT EXISTS (
        SELECT FROM public.transition_timeline AS there
        WHERE there.profile_id = v_id AND there.is_system_milestone AND there.milestone_type = given.milestone_type
    );
    UPDATE public.transition_timeline AS there SET milestone_date = given.milestone_date
        FROM jsonb_to_recordset(p_milestones) AS given (milestone_type text, milestone_date date)
        WHERE there.profile_id = v_id AND there.is_system_milestone AND NOT there.is_completed
            AND there.milestone_type = given.milestone_type;
    RETURN QUERY SELECT v_id;
END
$$;
REVOKE ALL ON FUNCTION public.reschedule_transition(uuid, date, date, text, integer, jsonb) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.reschedule_transition(uuid, date, date, text, integer, jsonb)
    TO authenticated, service_role;

-- A plan's items by decision: grouping, which no other call of a store does.
CREATE FUNCTION public.transition_item_totals(p_user_id uuid)
RETURNS TABLE (decision text, items_count integer, estimated_value numeric)
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = '' AS $$
    SELECT item.decision, count(*)::integer, coalesce(sum(item.estimated_value), 0)
    FROM public.transition_items AS item
    WHERE item.profile_id IN (
        SELECT plan.id FROM public.transition_profiles AS plan
        WHERE plan.user_id = p_user_id AND plan.archived_at IS NULL
    )
    GROUP BY item.decision ORDER BY item.decision
$$;
REVOKE ALL ON FUNCTION public.transition_item_totals(uuid) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.transition_item_totals(uuid) TO authenticated, service_role;
