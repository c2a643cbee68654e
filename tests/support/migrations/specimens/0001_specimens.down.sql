DROP TABLE public.labels;
DROP TABLE public.crates;
DROP TABLE public.specimens;
DROP FUNCTION homeport.crates_labels_count();
DROP TYPE specimen_size;
