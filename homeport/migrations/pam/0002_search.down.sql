DROP FUNCTION public.search_pam_knowledge(text[], text);
DROP FUNCTION public.search_pam_memories(uuid, text[], timestamptz);
