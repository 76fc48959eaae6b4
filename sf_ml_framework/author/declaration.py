"""Where in the author's files a thing was declared."""

from __future__ import annotations

import sys


def place_of_caller(depth: int) -> str:
    """Return ``file:line`` of the frame *depth* calls above the caller of this function."""
    frame = sys._getframe(depth + 1)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
