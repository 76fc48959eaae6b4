"""Tasks and task graphs: definitions, rules, runs, their history.

Source: Snowflake, "Introduction to tasks", "Create a sequence of tasks with a task graph"; the
statements are in ``rooms``.
"""
