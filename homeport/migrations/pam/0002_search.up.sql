-- The searches of homeport/kernel/search.py: a row is found if each word lies in one of its texts, and ranks by the
-- heaviest text of each. The words come folded and split; none has white space, so none lies across two tags.
CREATE FUNCTION public.search_pam_memories(p_user_id uuid, p_words text[], p_now timestamptz)
RETURNS TABLE (
    id uuid, user_id uuid, memory_type text, content jsonb, content_text text, importance_score real,
    access_count integer, last_accessed timestamptz, context jsonb, source text, tags text[], expires_at timestamptz,
    is_active boolean, created_at timestamptz, updated_at timestamptz
)
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = '' AS $$
    SELECT m.id, m.user_id, m.memory_type, m.content, m.content_text, m.importance_score, m.access_count,
        m.last_accessed, m.context, m.source, m.tags, m.expires_at, m.is_active, m.created_at, m.updated_at
    FROM public.pam_memories AS m
    CROSS JOIN LATERAL (
        SELECT sum(hit.weight) AS rank
        FROM (
            SELECT greatest(
                CASE WHEN strpos(lower(array_to_string(m.tags, E'\n') COLLATE "C"), word) > 0 THEN 2 END,
                CASE WHEN strpos(lower(m.content_text COLLATE "C"), word) > 0 THEN 1 END
            ) AS weight
            FROM unnest(p_words) AS word
        ) AS hit
        HAVING bool_and(hit.weight IS NOT NULL)
    ) AS found
    WHERE m.user_id = p_user_id AND m.is_active AND (m.expires_at IS NULL OR m.expires_at > p_now)
    ORDER BY found.rank DESC, m.importance_score DESC, m.id
$$;
REVOKE ALL ON FUNCTION public.search_pam_memories(uuid, text[], timestamptz) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.search_pam_memories(uuid, text[], timestamptz) TO authenticated, service_role;

CREATE FUNCTION public.search_pam_knowledge(p_words text[], p_category text)
RETURNS TABLE (
    id uuid, admin_user_id uuid, title text, content text, category text, knowledge_type text, tags text[],
    location_context text, date_context text, priority integer, is_active boolean, usage_count integer,
    last_used_at timestamptz, created_at timestamptz, updated_at timestamptz
)
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = '' AS $$
    SELECT k.id, k.admin_user_id, k.title, k.content, k.category, k.knowledge_type, k.tags, k.location_context,
        k.date_context, k.priority, k.is_active, k.usage_count, k.last_used_at, k.created_at, k.updated_at
    FROM public.pam_admin_knowledge AS k
    CROSS JOIN LATERAL (
        SELECT sum(hit.weight) AS rank
        FROM (
            SELECT greatest(
                CASE WHEN strpos(lower(k.title COLLATE "C"), word) > 0 THEN 3 END,
                CASE WHEN strpos(lower(array_to_string(k.tags, E'\n') COLLATE "C"), word) > 0 THEN 2 END,
                CASE WHEN strpos(lower(k.content COLLATE "C"), word) > 0 THEN 1 END
            ) AS weight
            FROM unnest(p_words) AS word
        ) AS hit
        HAVING bool_and(hit.weight IS NOT NULL)
    ) AS found
    WHERE k.is_active AND (p_category IS NULL OR k.category = p_category)
    ORDER BY found.rank DESC, k.priority DESC, k.id
$$;
REVOKE ALL ON FUNCTION public.search_pam_knowledge(text[], text) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.search_pam_knowledge(text[], text) TO authenticated, service_role;
