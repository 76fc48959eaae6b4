"""Models of the registry: their versions and files, and how their methods are run.

The statements are in :mod:`..rooms.models` and :mod:`..rooms.model_versions`, the calls of methods
in SQL in :mod:`..rooms.inference`.
"""
