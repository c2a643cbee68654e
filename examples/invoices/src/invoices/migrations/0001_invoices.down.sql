DROP FUNCTION public.pay_invoice(uuid, uuid);
DROP TABLE public.invoice_lines;
DROP TABLE public.invoices;
