"""Functions and procedures that users write: definitions, overloads, packages, calls.

The statements are in :mod:`..rooms.routines`, calls in queries in :mod:`..rooms.udfs`, CALL in
:mod:`..rooms.procedures`; the code runs in a process of :mod:`..sandbox`.
"""
