"""What a pickle imports, read from its opcodes without running any of it."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Collection, Iterator
from typing import Any


class StrangePickleError(ValueError):
    """A pickle does what none of Python's own picklers writes."""


_TEXTS = frozenset(
    "SHORT_BINUNICODE BINUNICODE BINUNICODE8 UNICODE STRING BINSTRING SHORT_BINSTRING".split()
)
_PUTS = frozenset(["PUT", "BINPUT", "LONG_BINPUT"])
_GETS = frozenset(["GET", "BINGET", "LONG_BINGET"])
_SILENT = frozenset(["PROTO", "FRAME"])
_REFUSED = frozenset(["PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4"])


def names_in(pickled: bytes) -> frozenset[str]:
    """Return every ``module:qualname`` that unpickling *pickled* would import.

    Raises:
        StrangePickleError: a name cannot be told without running the pickle, or there is none.
    """
    found: set[str] = set()
    memo: dict[int, str | None] = {}
    # The two values pushed last, where they are texts that stand in the pickle itself.
    below: str | None = None
    top: str | None = None
    for name, argument in _opcodes(pickled):
        if name in _REFUSED:
            raise StrangePickleError(f"it holds {name}, whose meaning it does not say")
        if name in ("GLOBAL", "INST"):
            found.add(argument.replace(" ", ":", 1))
        elif name == "STACK_GLOBAL":
            if below is None or top is None:
                raise StrangePickleError("it computes the name of what it imports")
            found.add(f"{below}:{top}")
        if name == "MEMOIZE":
            memo[len(memo)] = top
        elif name in _PUTS:
            memo[int(argument)] = top
        elif name in _GETS:
            below, top = top, memo.get(int(argument))
        elif name not in _SILENT:
            # Whatever is no text may leave anything on the stack.
            below, top = top, argument if name in _TEXTS else None
    return frozenset(found)


def _opcodes(pickled: bytes) -> Iterator[tuple[str, Any]]:
    try:
        for opcode, argument, _ in pickletools.genops(pickled):
            yield opcode.name, argument
    except Exception as error:  # genops raises many kinds for bytes that are no pickle
        raise StrangePickleError(f"it is no pickle: {error}") from error


def unpickled(pickled: bytes, names: Collection[str]) -> Any:
    """Return the object of *pickled*, which may import *names* and nothing else."""
    return _Unpickler(pickled, names).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, pickled: bytes, names: Collection[str]) -> None:
        super().__init__(io.BytesIO(pickled))
        self._names = names

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}:{name}" not in self._names:
            raise StrangePickleError(f"it imports {module}.{name}, which was not announced")
        return super().find_class(module, name)
