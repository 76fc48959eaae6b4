"""Dynamic tables: what they are made of, how they refresh, when.

The statements are in :mod:`..rooms.dynamic_tables`, the histories in
:mod:`..rooms.dynamic_history`.
"""
