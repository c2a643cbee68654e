"""Homeport: typed repositories over PostgreSQL, memory and the legacy Supabase API."""
