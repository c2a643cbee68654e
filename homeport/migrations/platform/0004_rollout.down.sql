DROP FUNCTION public.homeport_marker(uuid);
DROP TABLE homeport.marker;
DROP TABLE homeport.rollout_events;
DROP TABLE homeport.rollout_counts;
DROP TABLE homeport.rollout_plans;
DROP TABLE homeport.flags;
DROP FUNCTION homeport.announce_flags();
