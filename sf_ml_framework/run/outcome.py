"""What came of running a node once: errors are data here, for they cross a process border."""

from __future__ import annotations

from typing import Any

import msgspec

from sf_ml_framework.errors import (
    FrameworkError,
    NodeError,
    PlatformError,
)
from sf_ml_framework.run.records import Saved
from sf_ml_framework.run.trace import author_trace, one_line


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A node ran and everything that it made is saved."""

    outputs: tuple[Saved, ...] = ()
    metrics: dict[str, Any] = {}
    return_value: Any = None
    peak_memory_bytes: int = 0
    seconds: float = 0.0


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A node failed; none of its outputs is half-written."""

    error: str
    kind: str = ""
    """Name of the exception, or ``timeout``, ``exit``, ``signal``, ``stopped``."""
    trace: str = ""
    remedy: str = ""
    exit_code: int = 1
    retryable: bool = True
    """Whether the same call may come out differently."""
    peak_memory_bytes: int = 0
    seconds: float = 0.0


class ResultError(NodeError):
    """A node returned something else than it declares."""


class LoadingError(NodeError):
    """A node's function cannot be imported."""


def failure_of(error: Exception) -> Failure:
    """Return *error* as data.

    What is no FrameworkError is a fault of the house, and is shown with its whole traceback.
    """
    if isinstance(error, NodeError):
        return Failure(
            error=str(error),
            kind=error.kind or type(error).__name__,
            trace=error.trace,
            remedy=error.remedy,
            exit_code=error.exit_code,
            retryable=not isinstance(error, ResultError | LoadingError),
        )
    if isinstance(error, FrameworkError):
        return Failure(
            error=str(error),
            kind=type(error).__name__,
            remedy=error.remedy,
            exit_code=error.exit_code,
            retryable=isinstance(error, PlatformError) and error.retryable,
        )
    return Failure(
        error=one_line(error),
        kind=type(error).__name__,
        trace=author_trace(error),
        remedy="this is a fault of the framework, not of the node; please report it",
        exit_code=PlatformError.exit_code,
    )
