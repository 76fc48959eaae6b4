"""How much memory this process took at most, as the system counts it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Begin to count anew, where the system can; elsewhere the peak is the process's own."""
    try:
        # "5" resets the peak alone. Source: proc(5), clear_refs.
        _CLEAR.write_bytes(b"5")
    except OSError:
        return


def peak_bytes() -> int:
    """Return the largest resident size since ``reset_peak``, in bytes."""
    try:
        for line in _STATUS.read_bytes().splitlines():
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
