-- The search of homeport/kernel/search.py: a product is found if each word lies in one of its texts, and ranks by the
-- heaviest text of each. The words come folded and split; none has white space, so none lies across two tags.
CREATE FUNCTION public.search_affiliate_products(p_words text[], p_category text)
RETURNS TABLE (
    id uuid, title text, description text, short_description text, category text, price numeric, currency varchar,
    image_url text, additional_images text[], affiliate_provider text, affiliate_url text, commission_rate numeric,
    asin text, regional_prices jsonb, regional_urls jsonb, availability_status text, is_featured boolean,
    is_active boolean, click_count integer, sort_order integer, tags text[], created_by uuid, created_at timestamptz,
    updated_at timestamptz
)
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = '' AS $$
    SELECT p.id, p.title, p.description, p.short_description, p.category, p.price, p.currency, p.image_url,
        p.additional_images, p.affiliate_provider, p.affiliate_url, p.commission_rate, p.asin, p.regional_prices,
        p.regional_urls, p.availability_status, p.is_featured, p.is_active, p.click_count, p.sort_order, p.tags,
        p.created_by, p.created_at, p.updated_at
    FROM public.affiliate_products AS p
    CROSS JOIN LATERAL (
        SELECT sum(hit.weight) AS rank
        FROM (
            SELECT greatest(
                CASE WHEN strpos(lower(p.title COLLATE "C"), word) > 0 THEN 3 END,
                CASE WHEN strpos(lower(array_to_string(p.tags, E'\n') COLLATE "C"), word) > 0 THEN 2 END,
                CASE WHEN strpos(lower(p.short_description COLLATE "C"), word) > 0 THEN 1 END,
                CASE WHEN strpos(lower(p.description COLLATE "C"), word) > 0 THEN 1 END
            ) AS weight
            FROM unnest(p_words) AS word
        ) AS hit
        HAVING bool_and(hit.weight IS NOT NULL)
    ) AS found
    WHERE p.is_active AND (p_category IS NULL OR p.category = p_category)
    ORDER BY found.rank DESC, p.sort_order, p.id
$$;
REVOKE ALL ON FUNCTION public.search_affiliate_products(text[], text) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.search_affiliate_products(text[], text) TO authenticated, service_role;
