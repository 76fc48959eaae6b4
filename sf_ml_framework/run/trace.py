"""The author's traceback: what is ours, and what Python needs to import, is cut away."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

_HOUSE = str(Path(__file__).resolve().parents[1]) + os.sep
_MACHINERY = ("<frozen ", str(Path(os.__file__).parent / "importlib") + os.sep)


def author_trace(error: BaseException) -> str:
    """Return the traceback of *error* as Python prints it, without our frames.

    Frames of libraries that the author called stay, and so does the chain of causes.
    """
    shown = traceback.TracebackException.from_exception(error, compact=True)
    _cut(shown)
    return "".join(shown.format()).rstrip()


def one_line(error: BaseException) -> str:
    """Return what *error* is and says, in one line."""
    text = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _cut(shown: traceback.TracebackException) -> None:
    shown.stack = traceback.StackSummary.from_list(
        [frame for frame in shown.stack if not _is_ours(frame.filename)]
    )
    for other in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if other is not None:
            _cut(other)


def _is_ours(filename: str) -> bool:
    # A file of ours that was compiled under a relative path is still ours.
    return filename.startswith(_MACHINERY) or str(Path(filename).absolute()).startswith(_HOUSE)
