"""Memory, processors and pool sizes, read once and kept as numbers."""

from __future__ import annotations

import re
from enum import StrEnum

MEMORY_UNITS = {
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
}
"""Factor to bytes.

Source: Service specification reference (it takes M, Mi, G and Gi).
"""

_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?)")
_CPU = re.compile(r"(\d+(?:\.\d+)?)(m?)")


class PoolSize(StrEnum):
    """How large a machine a node asks for; a target maps each size to a compute pool."""

    XSMALL = "XSMALL"
    SMALL = "SMALL"
    MEDIUM = "MEDIUM"
    LARGE = "LARGE"
    XLARGE = "XLARGE"


def memory_bytes(text: str) -> int:
    """Return the number of bytes in *text*, such as ``"2Gi"`` or ``"512Mi"``.

    Raises:
        ValueError: *text* is no positive quantity of memory; the message says what is.
    """
    match = _MEMORY.fullmatch(text.strip()) if isinstance(text, str) else None
    amount = float(match[1]) * MEMORY_UNITS[match[2]] if match else 0
    if amount < 1:
        raise ValueError(
            f"{text!r} is no quantity of memory; write a number and a unit, as in '2Gi' or '512Mi'"
        )
    return int(amount)


def cpu_millis(text: str | float) -> int:
    """Return the thousandths of a processor in *text*, such as ``"2"``, ``"0.5"`` or ``"500m"``.

    Raises:
        ValueError: *text* is no positive quantity of processors.
    """
    match = _CPU.fullmatch(str(text).strip())
    amount = float(match[1]) * (1 if match[2] else 1000) if match else 0
    if amount < 1:
        raise ValueError(f"{text!r} is no number of processors; write '1', '0.5' or '500m'")
    return round(amount)


def pool_size(text: str) -> PoolSize:
    """Return the pool size that *text* names, in any case.

    Raises:
        ValueError: there is no such size; the message lists them.
    """
    try:
        return PoolSize(str(text).strip().upper())
    except ValueError:
        sizes = ", ".join(PoolSize)
        raise ValueError(f"{text!r} is no pool size; choose one of {sizes}") from None
