"""SQL files, one folder a context: `0001_name.up.sql` and `0001_name.down.sql`."""
