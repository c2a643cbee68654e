-- governance: the audit log is only added to, by the service too. The owner of the table may do more, as foreign
-- keys do in its name.

REVOKE UPDATE, DELETE, TRUNCATE ON TABLE public.audit_logs FROM service_role;
