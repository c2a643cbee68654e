"""The three stores: PostgreSQL over asyncpg, memory, and the legacy Supabase API. None knows another."""
