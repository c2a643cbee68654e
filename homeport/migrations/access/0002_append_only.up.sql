-- access: the history of sign-ins is only added to, by the service too. The owner of the table may do more, as foreign
-- keys do in its name.

REVOKE UPDATE, DELETE, TRUNCATE ON TABLE public.login_history FROM service_role;
