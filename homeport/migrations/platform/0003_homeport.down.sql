DROP FUNCTION public.homeport_row_cap_probe(integer);
DROP FUNCTION homeport.raise_version();
DROP FUNCTION homeport.touch();
REVOKE ALL ON TABLE homeport.migrations FROM service_role;
REVOKE ALL ON SCHEMA homeport FROM service_role;
