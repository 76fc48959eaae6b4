"""Container services: specifications, the processes that stand for containers, their logs.

Source: Snowflake, "Snowpark Container Services"; the statements are in ``rooms``.
"""
