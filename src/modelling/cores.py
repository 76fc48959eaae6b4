"""How many fits may run side by side."""

from __future__ import annotations


def available_cores() -> int:
    """Return the cores this process may use: its affinity and its container's limit counted."""
    from joblib import cpu_count

    return max(1, int(cpu_count()))
