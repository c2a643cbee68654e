"""One file a bounded context: its tables, and the one implementation of its port over any store."""
