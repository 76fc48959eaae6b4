"""Every error that the framework raises on purpose, by who must act.

The author mends a declaration or a node (exit code 2 or 1), the operator mends a
setting, a file or a permission (3), and the platform heals by itself or not (4).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar

import msgspec


class FrameworkError(Exception):
    """Base of every error that sf_ml_framework raises on purpose.

    ``str(error)`` says what is wrong; ``remedy`` says what to do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        # Workers hand errors back through pickle, which cannot call a
        # keyword-only __init__: rebuild from args and attributes instead.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(
    cls: type[FrameworkError], args: tuple[Any, ...], state: dict[str, Any]
) -> FrameworkError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a declaration, at its place."""

    message: str
    remedy: str = ""
    place: str = ""
    """``file:line`` of the declaration, the file relative to the project; empty when unknown."""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message}" + (f" ({self.remedy})" if self.remedy else "")


class ManifestError(FrameworkError):
    """The project, as declared, can be compiled for no platform; holds all of its faults."""

    exit_code: ClassVar[int] = 2

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = f"{len(self.faults)} faults" if len(self.faults) != 1 else "one fault"
        lines = "".join(f"\n  {fault}" for fault in self.faults)
        super().__init__(f"the pipeline has {count}:{lines}")


class UsageError(FrameworkError):
    """A command was called with a name or value that cannot be."""

    exit_code: ClassVar[int] = 2


class UnknownNameError(UsageError):
    """A name was given that does not exist; the nearest known one is the remedy."""

    def __init__(self, *, kind: str, name: str, known: Collection[str]) -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"no {kind} is named {name!r}", remedy=nearest(name, known))


class SettingsError(FrameworkError):
    """A file of settings cannot be read, or says what cannot be."""

    exit_code: ClassVar[int] = 3


class DataError(FrameworkError):
    """A dataset is missing, cut, or not what the catalog says."""

    exit_code: ClassVar[int] = 3


class ModelError(DataError):
    """A stored model is not the one that was saved; it was not unpickled."""


class OperatorError(FrameworkError):
    """Something outside the code stands in the way: a lock, a permission, a full disk."""

    exit_code: ClassVar[int] = 3


class PlatformError(FrameworkError):
    """The platform failed; ``retryable`` says whether trying again may help."""

    exit_code: ClassVar[int] = 4
    retryable: ClassVar[bool] = True


class NodeError(FrameworkError):
    """A node failed: the author's own code raised, hung, exited or returned the wrong thing."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, *, node: str, remedy: str = "", kind: str = "", trace: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.node = node
        self.kind = kind
        """Name of the exception that the author's code raised; empty where it raised none."""
        self.trace = trace
        """The author's traceback, our frames cut away."""


def nearest(name: str, known: Collection[str]) -> str:
    """Return the remedy for a mistyped *name*: the closest of *known*, else all of them."""
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(sorted(known))}" if known else "there are none"


def to_install(extra: str) -> str:
    """Return the remedy where the optional part *extra* of the framework is not installed."""
    return f"make install-dev in its clone; elsewhere pip install 'sf-ml-framework[{extra}]'"
