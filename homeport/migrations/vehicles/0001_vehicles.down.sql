DROP TABLE public.fuel_logs;
DROP TABLE public.maintenance_records;
DROP TABLE public.vehicles;
