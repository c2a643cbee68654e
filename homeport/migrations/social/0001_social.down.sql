DROP TABLE public.messages;
DROP TABLE public.follows;
DROP TABLE public.likes;
DROP TABLE public.comments;
DROP TABLE public.posts;
DROP FUNCTION homeport.posts_likes_count();
DROP FUNCTION homeport.posts_comments_count();
