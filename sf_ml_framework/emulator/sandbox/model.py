"""Run methods of models: load the handlers that the client uploaded, and call them.

As in a warehouse's sandbox the handler finds the model under ``snowflake_import_directory``.

Source: snowflake-ml, ``model_method/infer_function.py_template``,
``infer_table_function.py_template`` and ``infer_partitioned.py_template``; Snowflake, "Vectorized
Python UDFs", "Vectorized Python UDTFs".
"""

from __future__ import annotations

import importlib.util
import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .handlers import partitions
from .values import frame

Handler = Callable[[Any], Any]


def model(loaded: dict[Any, Any], request: dict[str, Any], payload: bytes) -> bytes:
    """Return one JSON text for each row of an Arrow stream, as an Arrow stream."""
    import pyarrow as pa

    handler = _loaded(loaded, request)
    with pa.ipc.open_stream(io.BytesIO(payload)) as reader:
        given = reader.read_all().to_pandas()
    found = (handler().process if isinstance(handler, type) else handler)(given)
    texts = [json.dumps(_plain(value)) for value in _values(found)]
    if len(texts) != len(given):
        raise ValueError(f"the handler returned {len(texts)} rows for {len(given)}")
    table = pa.table({"value": pa.array(texts, pa.string())})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def model_table(loaded: dict[Any, Any], request: dict[str, Any], payload: bytes) -> bytes:
    """Run a method that is a table function over partitions; see :func:`.handlers.table`."""
    handler = _loaded(loaded, request)
    return partitions(handler, request, json.loads(payload), frame)


def _loaded(loaded: dict[Any, Any], request: dict[str, Any]) -> Any:
    key = (request["folder"], request["handler"])
    if key not in loaded:
        loaded[key] = load(Path(key[0]), key[1])
    return loaded[key]


def load(folder: Path, handler: str) -> Any:
    """Import ``functions.predict.infer`` of a version's folder."""
    module_name, _, attribute = handler.rpartition(".")
    file = folder.joinpath(*module_name.split(".")).with_suffix(".py")
    sys._xoptions["snowflake_import_directory"] = str(folder)
    spec = importlib.util.spec_from_file_location(f"_handler_{abs(hash(str(file)))}", file)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"no handler {handler}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, attribute)


def _values(found: Any) -> list[Any]:
    """Return one value for each row; of a table function's row, its columns in their order."""
    if hasattr(found, "to_dict") and hasattr(found, "columns"):
        return [list(row.values()) for row in found.to_dict("records")]
    return list(found)


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it; what is no number is null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return None if str(value) in {"<NA>", "NaT"} else str(value)
