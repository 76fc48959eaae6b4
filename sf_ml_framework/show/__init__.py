"""A graph and a run as text, pictures and one page: pure renderings of records."""
