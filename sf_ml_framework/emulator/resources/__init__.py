"""Objects by REST: each request is carried out as the statements that do the same in SQL.

So a request is allowed and refused as its statement is, by the same rooms, with the same errors.

Source: snowflake.core 1.13, ``*/_generated/api`` (routes, parameters) and ``*/_generated/models``
(fields); Snowflake, "Snowflake REST APIs".
"""
