DROP TABLE public.launch_checkins;
DROP TABLE public.user_launch_dates;
DROP TABLE public.user_launch_tasks;
DROP TABLE public.launch_week_tasks;
DROP TABLE public.shakedown_issues;
DROP TABLE public.shakedown_trips;
