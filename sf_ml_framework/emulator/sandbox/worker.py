"""A process that runs an author's code, one request after the other.

It is started with ``python -m sf_ml_framework.emulator.sandbox.worker`` and speaks over its
standard input and output: a line of JSON and then so many bytes, each way. What the code prints
goes to standard error.

Source: Snowflake, "Python UDF handler examples", "Writing stored procedures in Python" (the module
``_snowflake``, ``snowflake_import_directory``).
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

Handler = Callable[[Any], Any]
Reply = tuple[dict[str, Any], bytes]
FORKS = sys.platform.startswith("linux")
"""Elsewhere libraries do not survive a fork, and each procedure has a new process."""
_DOERS = {
    "model": "model",
    "model_table": "model",
    "procedure": "procedure",
    "scalar": "handlers",
    "table": "handlers",
    "aggregate": "handlers",
    "load": "handlers",
}


def main() -> None:
    """Answer requests until the input ends."""
    source = sys.stdin.buffer
    # What the code prints, or what it starts, must not get between the answers.
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.modules["_snowflake"] = sandbox_module()
    loaded: dict[Any, Any] = {}
    while line := source.readline():
        request = json.loads(line)
        payload = source.read(request["bytes"])
        if FORKS and request["do"] == "procedure":
            _apart(loaded, request, payload, target)
        else:
            _send(target, *_tried(loaded, request, payload))


def _tried(loaded: dict[Any, Any], request: dict[str, Any], payload: bytes) -> Reply:
    try:
        return {"ok": True}, _answer(loaded, request, payload)
    except BaseException as error:  # noqa: BLE001 - the code may raise anything, SystemExit too
        return {"ok": False, "error": told(error, request)}, b""


def _apart(
    loaded: dict[Any, Any], request: dict[str, Any], payload: bytes, target: BinaryIO
) -> None:
    """Answer in a child, so that nothing of it is there for the next request.

    The child has all that was imported; an import of Snowpark takes longer than most procedures.
    """
    child = os.fork()
    if child == 0:
        _send(target, *_tried(loaded, request, payload))
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        told_of = f"the process that ran the code ended with exit code {code}"
        _send(target, {"ok": False, "error": told_of}, b"")


def _send(target: BinaryIO, answer: dict[str, Any], data: bytes) -> None:
    target.write(json.dumps({**answer, "bytes": len(data)}).encode() + b"\n")
    target.write(data)
    target.flush()


def _answer(loaded: dict[Any, Any], request: dict[str, Any], payload: bytes) -> bytes:
    do = request["do"]
    if do == "warm":
        for name in request["modules"]:
            try:
                importlib.import_module(name)
            except ImportError:
                continue  # who needs it is told when it is used
        return b""
    doer = importlib.import_module(f"{__package__}.{_DOERS[do]}")
    found: bytes = getattr(doer, do)(loaded, request, payload)
    return found


def sandbox_module() -> types.ModuleType:
    """Return the module ``_snowflake`` that handlers import."""
    module: Any = types.ModuleType("_snowflake")

    def vectorized(**options: Any) -> Callable[[Handler], Handler]:
        def mark(function: Handler) -> Handler:
            function._sf_vectorized_input = options.get("input")  # type: ignore[attr-defined]
            function._sf_max_batch_size = options.get("max_batch_size")  # type: ignore[attr-defined]
            return function

        return mark

    def secret(name: str) -> str:
        raise ValueError(f"the function has no secret {name!r}")

    module.vectorized = vectorized
    module.get_generic_secret_string = secret
    return cast(types.ModuleType, module)


def told(error: BaseException, request: dict[str, Any]) -> str:
    """Return what Snowflake shows of an error: the author's frames, and where it was.

    Source: Snowflake, "Troubleshooting Python UDFs" (samples of error messages).
    """
    import traceback

    if request["do"] in {"model", "model_table"}:
        return f"{type(error).__name__}: {error}"
    ours = str(Path(__file__).resolve().parent)
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if not f.filename.startswith((ours, "<frozen"))]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(theirs)]
    lines += traceback.format_exception_only(error)
    return f"{''.join(lines)} in function {request['name']} with handler {request['handler']}"


if __name__ == "__main__":
    # Run as a program this module has two names; the doers ask for the real one.
    importlib.import_module("sf_ml_framework.emulator.sandbox.worker").main()
