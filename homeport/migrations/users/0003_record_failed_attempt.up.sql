-- One more wrong password, and a lock from the last allowed one on. An update waits for the row and then counts from
-- what it finds there, so attempts at the same time are all counted. No row comes back where there is no live user to
-- be counted for.
CREATE FUNCTION public.record_failed_attempt(p_user_id uuid, p_allowed integer, p_locked_until timestamptz)
RETURNS TABLE (failed_attempts integer, locked_until timestamptz)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY UPDATE public.user_credentials AS known SET
            failed_attempts = known.failed_attempts + 1,
            locked_until = CASE
                WHEN known.failed_attempts + 1 >= p_allowed THEN p_locked_until ELSE known.locked_until
            END
        WHERE known.user_id = p_user_id
            AND EXISTS (SELECT FROM public.users WHERE users.id = p_user_id AND users.deleted_at IS NULL)
        RETURNING known.failed_attempts, known.locked_until;
END
$$;
REVOKE ALL ON FUNCTION public.record_failed_attempt(uuid, integer, timestamptz) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.record_failed_attempt(uuid, integer, timestamptz) TO authenticated, service_role;
