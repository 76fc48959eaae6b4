"""A strict local Snowflake for the official clients; knows nothing of this framework."""
