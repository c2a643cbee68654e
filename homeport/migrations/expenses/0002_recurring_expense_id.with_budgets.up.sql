-- homeport: no transaction
-- Rows from before budgets was installed are checked in the last step, which stops no writer. If one refers to nothing of
-- its user's, new rows are checked all the same; set the column to NULL there and run this again.
ALTER TABLE public.expenses DROP CONSTRAINT IF EXISTS expenses_recurring_expense_id_fkey;
ALTER TABLE public.expenses ADD CONSTRAINT expenses_recurring_expense_id_fkey FOREIGN KEY (user_id, recurring_expense_id) REFERENCES public.recurring_expenses (user_id, id) ON DELETE SET NULL (recurring_expense_id) NOT VALID;
ALTER TABLE public.expenses VALIDATE CONSTRAINT expenses_recurring_expense_id_fkey;
