DROP FUNCTION public.search_affiliate_products(text[], text);
