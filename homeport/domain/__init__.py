"""Entities and their rules, one file a bounded context. Knows nothing of storage."""
