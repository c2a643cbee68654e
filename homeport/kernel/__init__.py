"""The neutral vocabulary: tables, predicates, queries, pages, operations, errors. Imports nothing of Homeport's own."""
