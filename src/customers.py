"""The words of the customer tables: the columns that are no features, and the contracts."""

from __future__ import annotations

KEY = "customer_id"
SNAPSHOT = "snapshot_date"
TARGET = "churned"

CONTRACT_TYPES = ("month_to_month", "one_year", "two_year")
"""From the shortest commitment to the longest."""
