-- Like, or take the like back. One function for both servers: it decides by what it has read, so it may not be one
-- statement, whose snapshot is older than the lock it waits for.
--
-- A signed-in user can't lock a post of somebody else's (a row lock needs an update policy), so the same user's toggles
-- of the same post take turns by an advisory lock, in a statement of its own. Different users need no turns: the counter
-- is the trigger's. No row comes back where there is no live post to be seen.
CREATE FUNCTION public.toggle_like(p_post_id uuid, p_user_id uuid) RETURNS TABLE (liked boolean, likes_count integer)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE
    v_liked boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_user_id::text || p_post_id::text, 0));
    PERFORM FROM public.posts WHERE id = p_post_id AND deleted_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM public.likes WHERE post_id = p_post_id AND user_id = p_user_id;
    v_liked := NOT FOUND;
    IF v_liked THEN
        INSERT INTO public.likes (post_id, user_id) VALUES (p_post_id, p_user_id)
            ON CONFLICT (post_id, user_id) DO NOTHING;
    END IF;
    RETURN QUERY SELECT v_liked, posts.likes_count FROM public.posts WHERE id = p_post_id;
END
$$;
REVOKE ALL ON FUNCTION public.toggle_like(uuid, uuid) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.toggle_like(uuid, uuid) TO authenticated, service_role;
