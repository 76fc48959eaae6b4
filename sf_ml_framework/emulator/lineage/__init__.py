"""Lineage: what was made of what.

:mod:`.graph` keeps nodes and edges, :mod:`.recording` adds them when statements run, :mod:`.dgql`
reads the questions that clients ask.
"""
