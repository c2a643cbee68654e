DROP FUNCTION public.toggle_like(uuid, uuid);
