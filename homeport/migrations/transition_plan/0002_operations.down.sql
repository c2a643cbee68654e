DROP FUNCTION public.transition_item_totals(uuid);
DROP FUNCTION public.reschedule_transition(uuid, date, date, text, integer, jsonb);
DROP FUNCTION public.initialize_transition(uuid, date, text, jsonb, jsonb);
