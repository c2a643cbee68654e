"""The legacy adapter: PostgREST through the official client, kept for rollback. Knows nothing of the other adapters."""
