-- homeport: no transaction
-- Rows from before business_parties was installed are checked in the last step, which stops no writer. If one refers to nothing,
-- new rows are checked all the same; set the column to NULL there and run this again.
ALTER TABLE public.users DROP CONSTRAINT IF EXISTS users_contact_id_fkey;
ALTER TABLE public.users ADD CONSTRAINT users_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES business.contacts (id) ON DELETE SET NULL NOT VALID;
ALTER TABLE public.users VALIDATE CONSTRAINT users_contact_id_fkey;
