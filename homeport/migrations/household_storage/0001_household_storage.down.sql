DROP TABLE public.storage_items;
DROP TABLE public.storage_locations;
DROP TABLE public.storage_categories;
