"""Copies of tables, schemas and databases: what UNDROP and CLONE need."""
