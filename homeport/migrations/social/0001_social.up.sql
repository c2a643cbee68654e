-- social: posts with their counters, comments, likes, follows, messages.

CREATE TABLE public.posts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    content text COLLATE "C" NOT NULL,
    images text[] COLLATE "C",
    location_name text COLLATE "C",
    latitude numeric(9,6),
    longitude numeric(9,6),
    tags text[] COLLATE "C",
    likes_count integer DEFAULT 0 NOT NULL,
    comments_count integer DEFAULT 0 NOT NULL,
    flagged boolean DEFAULT false NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT posts_pkey PRIMARY KEY (id),
    CONSTRAINT posts_likes_count_check CHECK (likes_count >= 0),
    CONSTRAINT posts_comments_count_check CHECK (comments_count >= 0),
    CONSTRAINT posts_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX posts_user_id_idx ON public.posts (user_id);
CREATE INDEX posts_user_id_created_at_idx ON public.posts (user_id, created_at DESC) WHERE deleted_at IS NULL;
CREATE INDEX posts_tags_idx ON public.posts USING gin (tags);
ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.posts FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.posts TO service_role;
GRANT SELECT, DELETE ON TABLE public.posts TO authenticated;
GRANT INSERT (
    id, user_id, content, images, location_name, latitude, longitude, tags, flagged, created_at, updated_at, deleted_at
) ON TABLE public.posts TO authenticated;
GRANT UPDATE (
    id, user_id, content, images, location_name, latitude, longitude, tags, flagged, created_at, updated_at, deleted_at
) ON TABLE public.posts TO authenticated;
CREATE POLICY posts_select ON public.posts FOR SELECT TO authenticated
    USING ((deleted_at IS NULL OR user_id = (SELECT auth.uid())));
CREATE POLICY posts_insert ON public.posts FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY posts_update ON public.posts FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY posts_delete ON public.posts FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER posts_touch_updated_at BEFORE UPDATE ON public.posts
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.comments (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    post_id uuid NOT NULL,
    user_id uuid NOT NULL,
    parent_comment_id uuid,
    content text COLLATE "C" NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT comments_pkey PRIMARY KEY (id),
    CONSTRAINT comments_post_id_fkey FOREIGN KEY (post_id) REFERENCES public.posts (id) ON DELETE CASCADE,
    CONSTRAINT comments_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT comments_parent_comment_id_fkey FOREIGN KEY (parent_comment_id) REFERENCES public.comments (id) ON DELETE CASCADE
);
CREATE INDEX comments_post_id_created_at_idx ON public.comments (post_id, created_at);
CREATE INDEX comments_user_id_idx ON public.comments (user_id);
CREATE INDEX comments_parent_comment_id_idx ON public.comments (parent_comment_id);
ALTER TABLE public.comments ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.comments FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.comments TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.comments TO authenticated;
CREATE POLICY comments_select ON public.comments FOR SELECT TO authenticated
    USING ((deleted_at IS NULL OR user_id = (SELECT auth.uid())));
CREATE POLICY comments_insert ON public.comments FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY comments_update ON public.comments FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY comments_delete ON public.comments FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE TRIGGER comments_touch_updated_at BEFORE UPDATE ON public.comments
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION homeport.touch('updated_at');

CREATE TABLE public.likes (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    post_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT likes_pkey PRIMARY KEY (id),
    CONSTRAINT likes_post_id_user_id_key UNIQUE (post_id, user_id),
    CONSTRAINT likes_post_id_fkey FOREIGN KEY (post_id) REFERENCES public.posts (id) ON DELETE CASCADE,
    CONSTRAINT likes_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX likes_user_id_idx ON public.likes (user_id);
ALTER TABLE public.likes ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.likes FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.likes TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.likes TO authenticated;
CREATE POLICY likes_select ON public.likes FOR SELECT TO authenticated
    USING (true);
CREATE POLICY likes_insert ON public.likes FOR INSERT TO authenticated
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY likes_update ON public.likes FOR UPDATE TO authenticated
    USING (user_id = (SELECT auth.uid()))
    WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY likes_delete ON public.likes FOR DELETE TO authenticated
    USING (user_id = (SELECT auth.uid()));

CREATE TABLE public.follows (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    follower_id uuid NOT NULL,
    following_id uuid NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT follows_pkey PRIMARY KEY (id),
    CONSTRAINT follows_follower_id_following_id_key UNIQUE (follower_id, following_id),
    CONSTRAINT follows_follower_id_following_id_check CHECK (follower_id <> following_id),
    CONSTRAINT follows_follower_id_fkey FOREIGN KEY (follower_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT follows_following_id_fkey FOREIGN KEY (following_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX follows_following_id_idx ON public.follows (following_id);
ALTER TABLE public.follows ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.follows FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.follows TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.follows TO authenticated;
CREATE POLICY follows_select ON public.follows FOR SELECT TO authenticated
    USING (true);
CREATE POLICY follows_insert ON public.follows FOR INSERT TO authenticated
    WITH CHECK (follower_id = (SELECT auth.uid()));
CREATE POLICY follows_update ON public.follows FOR UPDATE TO authenticated
    USING (follower_id = (SELECT auth.uid()))
    WITH CHECK (follower_id = (SELECT auth.uid()));
CREATE POLICY follows_delete ON public.follows FOR DELETE TO authenticated
    USING (follower_id = (SELECT auth.uid()));

CREATE TABLE public.messages (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    sender_id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    content text COLLATE "C" NOT NULL,
    is_read boolean DEFAULT false NOT NULL,
    read_at timestamptz,
    metadata jsonb,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT messages_pkey PRIMARY KEY (id),
    CONSTRAINT messages_sender_id_recipient_id_check CHECK (sender_id <> recipient_id),
    CONSTRAINT messages_sender_id_fkey FOREIGN KEY (sender_id) REFERENCES public.users (id) ON DELETE CASCADE,
    CONSTRAINT messages_recipient_id_fkey FOREIGN KEY (recipient_id) REFERENCES public.users (id) ON DELETE CASCADE
);
CREATE INDEX messages_sender_id_recipient_id_created_at_idx ON public.messages (sender_id, recipient_id, created_at);
CREATE INDEX messages_recipient_id_is_read_idx ON public.messages (recipient_id, is_read);
ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE public.messages FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.messages TO service_role;
GRANT SELECT, INSERT, DELETE ON TABLE public.messages TO authenticated;
GRANT UPDATE (
    is_read, read_at
) ON TABLE public.messages TO authenticated;
CREATE POLICY messages_select ON public.messages FOR SELECT TO authenticated
    USING ((sender_id = (SELECT auth.uid()) OR recipient_id = (SELECT auth.uid())));
CREATE POLICY messages_insert ON public.messages FOR INSERT TO authenticated
    WITH CHECK (sender_id = (SELECT auth.uid()));
CREATE POLICY messages_update ON public.messages FOR UPDATE TO authenticated
    USING (recipient_id = (SELECT auth.uid()))
    WITH CHECK (recipient_id = (SELECT auth.uid()));
CREATE POLICY messages_delete ON public.messages FOR DELETE TO authenticated
    USING (sender_id = (SELECT auth.uid()));

CREATE FUNCTION homeport.posts_likes_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_came uuid[] := '{}';
    v_gone uuid[] := '{}';
BEGIN
    IF TG_OP <> 'DELETE' THEN
        v_came := ARRAY(SELECT came.post_id FROM came WHERE came.post_id IS NOT NULL);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        v_gone := ARRAY(SELECT gone.post_id FROM gone WHERE gone.post_id IS NOT NULL);
    END IF;
    IF v_came = v_gone THEN
        RETURN NULL;
    END IF;
    -- several rows are locked in one order, so that two statements never wait for each other
    IF cardinality(v_came || v_gone) > 1 THEN
        PERFORM FROM public.posts AS parent WHERE parent.id = ANY (v_came || v_gone)
            ORDER BY parent.id FOR NO KEY UPDATE;
    END IF;
    UPDATE public.posts AS parent SET likes_count = parent.likes_count + change.n
        FROM (
            SELECT each.id, sum(each.n)::integer AS n
            FROM (SELECT unnest(v_came) AS id, 1 AS n UNION ALL SELECT unnest(v_gone), -1) AS each
            GROUP BY each.id
        ) AS change
        WHERE parent.id = change.id AND change.n <> 0;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION homeport.posts_likes_count() FROM PUBLIC;
CREATE TRIGGER posts_likes_count_insert AFTER INSERT ON public.likes
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.posts_likes_count();
CREATE TRIGGER posts_likes_count_update AFTER UPDATE ON public.likes
    REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.posts_likes_count();
CREATE TRIGGER posts_likes_count_delete AFTER DELETE ON public.likes
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION homeport.posts_likes_count();

CREATE FUNCTION homeport.posts_comments_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_came uuid[] := '{}';
    v_gone uuid[] := '{}';
BEGIN
    IF TG_OP <> 'DELETE' THEN
        v_came := ARRAY(SELECT came.post_id FROM came WHERE came.post_id IS NOT NULL AND came.deleted_at IS NULL);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        v_gone := ARRAY(SELECT gone.post_id FROM gone WHERE gone.post_id IS NOT NULL AND gone.deleted_at IS NULL);
    END IF;
    IF v_came = v_gone THEN
        RETURN NULL;
    END IF;
    -- several rows are locked in one order, so that two statements never wait for each other
    IF cardinality(v_came || v_gone) > 1 THEN
        PERFORM FROM public.posts AS parent WHERE parent.id = ANY (v_came || v_gone)
            ORDER BY parent.id FOR NO KEY UPDATE;
    END IF;
    UPDATE public.posts AS parent SET comments_count = parent.comments_count + change.n
        FROM (
            SELECT each.id, sum(each.n)::integer AS n
            FROM (SELECT unnest(v_came) AS id, 1 AS n UNION ALL SELECT unnest(v_gone), -1) AS each
            GROUP BY each.id
        ) AS change
        WHERE parent.id = change.id AND change.n <> 0;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION homeport.posts_comments_count() FROM PUBLIC;
CREATE TRIGGER posts_comments_count_insert AFTER INSERT ON public.comments
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.posts_comments_count();
CREATE TRIGGER posts_comments_count_update AFTER UPDATE ON public.comments
    REFERENCING OLD TABLE AS gone NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION homeport.posts_comments_count();
CREATE TRIGGER posts_comments_count_delete AFTER DELETE ON public.comments
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION homeport.posts_comments_count();
