DROP TABLE public.savings_events;
DROP TABLE public.recurring_expenses;
DROP TABLE public.budget_categories;
DROP TABLE public.budgets;
