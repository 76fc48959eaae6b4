"""Run functions: scalar and vectorized, of tables and partitions, and aggregates.

Source: Snowflake, "Writing a Python UDF", "Vectorized Python UDFs", "Writing a UDTF in Python"
(process and end_partition), "Vectorized Python UDTFs", "Python user-defined aggregate functions".
"""

from __future__ import annotations

import importlib
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .values import frame, from_text, to_text

Rows = list[list[str | None]]
CODE = "_udf_code"


def load(loaded: dict[Any, Any], request: dict[str, Any], payload: bytes) -> bytes:
    """Find the handler, as CREATE does to see that it is there."""
    handler(loaded, request)
    return b""


def handler(loaded: dict[Any, Any], request: dict[str, Any]) -> Any:
    """Return the function or class that a request names; it is loaded once."""
    key = request["name"], request["handler"]
    if key not in loaded:
        loaded[key] = _load(request)
    return loaded[key]


def _load(request: dict[str, Any]) -> Any:
    folder = request["folder"]
    sys._xoptions["snowflake_import_directory"] = folder + "/"
    sys.path.insert(0, folder)
    for file in sorted(Path(folder).iterdir()):
        if file.suffix in {".zip", ".whl"}:
            sys.path.insert(0, str(file))
    name, _, attribute = request["handler"].rpartition(".")
    if request["code"] is None:
        found: Any = importlib.import_module(name)
        return getattr(found, attribute)
    module = types.ModuleType(CODE)
    sys.modules[CODE] = module
    exec(compile(request["code"], f"{CODE}.py", "exec"), module.__dict__)  # noqa: S102
    found = module
    for part in request["handler"].split("."):
        found = getattr(found, part)
    return found


def scalar(loaded: dict[Any, Any], request: dict[str, Any], payload: bytes) -> bytes:
    """Return one text for each row of arguments."""
    function, rows = handler(loaded, request), json.loads(payload)
    kinds, returns = request["arguments"], request["returns"]
    made: list[str | None] = [None] * len(rows)
    # STRICT: a NULL among the arguments is the answer, and the handler is not asked.
    asked = [i for i, row in enumerate(rows) if not request["strict"] or None not in row]
    if getattr(function, "_sf_vectorized_input", None) is not None:
        for part in _batches(asked, function):
            found = list(function(frame([rows[i] for i in part], kinds)))
            if len(found) != len(part):
                raise ValueError(f"the handler returned {len(found)} rows for {len(part)}")
            for index, value in zip(part, found, strict=True):
                made[index] = to_text(value, returns)
        return json.dumps(made).encode()
    for index in asked:
        values = [from_text(text, kind) for text, kind in zip(rows[index], kinds, strict=True)]
        made[index] = to_text(function(*values), returns)
    return json.dumps(made).encode()


def _batches(asked: list[int], function: Any) -> Iterator[list[int]]:
    size = getattr(function, "_sf_max_batch_size", None) or len(asked) or 1
    for start in range(0, len(asked), size):
        yield asked[start : start + size]


def table(loaded: dict[Any, Any], request: dict[str, Any], payload: bytes) -> bytes:
    """Run a table function over partitions.

    The answer has for each partition a JSON text: a list of ``{"i": n, "o": [..]}``, where *n* is
    the row of the partition, counted from 1, that the output belongs to; null for all of it.
    """
    return partitions(handler(loaded, request), request, json.loads(payload), frame)


def partitions(
    made: type, request: dict[str, Any], given: list[Rows], framed: Callable[..., Any]
) -> bytes:
    """Run ``process`` and ``end_partition`` of a class over every partition."""
    kinds, outputs = request["arguments"], request["outputs"]
    texts = []
    for rows in given:
        found = [
            {
                "i": index,
                "o": [to_text(v, k) for v, k in zip(_row(row, outputs), outputs, strict=True)],
            }
            for index, row in _partition(made(), rows, kinds, framed)
        ]
        texts.append(json.dumps(found))
    return json.dumps(texts).encode()


def _partition(
    one: Any, rows: Rows, kinds: list[str], framed: Callable[..., Any]
) -> Iterator[tuple[int | None, Any]]:
    process = getattr(one, "process", None)
    if process is not None and getattr(process, "_sf_vectorized_input", None) is not None:
        for part in _batches(list(range(len(rows))), process):
            found = _rows(process(framed([rows[i] for i in part], kinds)))
            yield from zip((i + 1 for i in part), found, strict=True)
    elif process is not None:
        for index, row in enumerate(rows):
            values = [from_text(text, kind) for text, kind in zip(row, kinds, strict=True)]
            for output in process(*values) or ():
                yield index + 1, output
    end = getattr(one, "end_partition", None)
    if end is None:
        return
    if getattr(end, "_sf_vectorized_input", None) is not None:
        for output in _rows(end(framed(rows, kinds))):
            yield None, output
        return
    for output in end() or ():
        yield None, output


def _rows(found: Any) -> list[Any]:
    """Return the rows of a DataFrame, or of the columns in a tuple."""
    if hasattr(found, "itertuples"):
        return list(found.itertuples(index=False, name=None))
    if found is None:
        return []
    if isinstance(found, tuple):
        return list(zip(*found, strict=True))
    return [row for part in found for row in _rows(part)]


def _row(row: Any, outputs: list[str]) -> Any:
    if not isinstance(row, tuple | list):
        raise TypeError(f"expected a tuple for a row, got {type(row).__name__}")
    if len(row) != len(outputs):
        raise ValueError(f"the function returns {len(outputs)} columns, the handler {len(row)}")
    return row


def aggregate(loaded: dict[Any, Any], request: dict[str, Any], payload: bytes) -> bytes:
    """Return one text for each group of rows; a group's halves are merged, as Snowflake's are."""
    made, kinds = handler(loaded, request), request["arguments"]
    texts = []
    for rows in json.loads(payload):
        whole = made()
        middle = len(rows) // 2
        for part in (rows[:middle], rows[middle:]):
            one = made()
            for row in part:
                if None not in row:  # as SQL's own aggregates, NULL is passed over
                    one.accumulate(*(from_text(t, k) for t, k in zip(row, kinds, strict=True)))
            whole.merge(one.aggregate_state)
        texts.append(to_text(whole.finish(), request["returns"]))
    return json.dumps(texts).encode()
