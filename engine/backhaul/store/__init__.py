"""The history in SQL: tables, the group-commit writer, queries, migrations."""
