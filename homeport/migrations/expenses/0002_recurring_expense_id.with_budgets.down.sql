ALTER TABLE public.expenses DROP CONSTRAINT IF EXISTS expenses_recurring_expense_id_fkey;
