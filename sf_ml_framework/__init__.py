"""MLOps on Snowflake: plain Python functions, on a laptop and as a task graph of containers."""
