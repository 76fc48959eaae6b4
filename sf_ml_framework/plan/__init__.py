"""What stands in an account and what should: compared, explained, written as SQL. Pure."""
