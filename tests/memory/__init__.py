"""What only the memory engine can show: its books, its undo, its logic against a naive reading of SQL."""
