DROP FUNCTION public.record_failed_attempt(uuid, integer, timestamptz);
