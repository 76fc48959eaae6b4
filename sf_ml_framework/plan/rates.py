"""What an hour of a node of a compute pool costs, in credits, as far as it is published.

The rates are dated; families that are not here are unknown, and a plan says so.

Source: Snowflake, "Snowflake Service Consumption Table" (Snowpark Container Services compute).
"""

from __future__ import annotations

AS_OF = "2026-01-13"
"""Day from which the rates below hold."""

CREDITS_PER_HOUR = {
    "CPU_X64_XS": 0.06,
    "CPU_X64_S": 0.11,
    "CPU_X64_M": 0.22,
    "CPU_X64_SL": 0.41,
    "CPU_X64_L": 0.83,
    "HIGHMEM_X64_S": 0.28,
    "HIGHMEM_X64_M": 1.11,
    "HIGHMEM_X64_SL": 2.93,
    "HIGHMEM_X64_L": 4.44,
    "GPU_NV_XS": 0.25,
    "GPU_NV_S": 0.57,
    "GPU_NV_M": 2.68,
    "GPU_NV_L": 14.12,
    "GPU_NV_SM": 1.70,
    "GPU_NV_2M": 3.50,
    "GPU_NV_3M": 3.55,
    "GPU_NV_SL": 13.50,
    "GPU_GCP_NV_L4_1_24G": 0.43,
    "GPU_GCP_NV_L4_4_24G": 1.94,
    "GPU_GCP_NV_A100_8_40G": 11.68,
}
"""For an instance family the credits of one node for one hour."""


def credits_per_hour(family: str, nodes: int) -> float | None:
    """Return what so many nodes cost an hour while they run; none where nobody published it."""
    rate = CREDITS_PER_HOUR.get(family)
    return None if rate is None else rate * nodes
