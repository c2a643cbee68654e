DROP TABLE public.product_reports;
DROP TABLE public.product_clicks;
DROP TABLE public.affiliate_products;
DROP FUNCTION homeport.affiliate_products_click_count();
