"""The process in which models run: it loads the handlers that the client uploaded, and calls them.

It is started with ``python -m sf_ml_framework.emulator.models.worker`` and speaks over its standard
input and output: a line of JSON and then so many bytes of an Arrow stream, each way. As in a
warehouse's sandbox the handler finds the model under ``snowflake_import_directory``.

Source: snowflake-ml, ``model_method/infer_function.py_template`` and
``infer_table_function.py_template``; Snowflake, "Vectorized Python UDFs".
"""

from __future__ import annotations

import importlib.util
import io
import json
import math
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

Handler = Callable[[Any], Any]


def main() -> None:
    """Answer requests until the input ends."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    # What a model prints must not get between the answers.
    sys.stdout = sys.stderr
    sys.modules["_snowflake"] = _sandbox()
    loaded: dict[tuple[str, str], Handler] = {}
    while line := source.readline():
        request = json.loads(line)
        payload = source.read(request["bytes"])
        try:
            data = _answer(loaded, request, payload)
            answer: dict[str, Any] = {"ok": True}
        except Exception as error:  # noqa: BLE001 - a model may raise anything
            message = f"{type(error).__name__}: {error}"
            answer, data = {"ok": False, "error": message}, b""
        _send(target, answer, data)


def _send(target: BinaryIO, answer: dict[str, Any], data: bytes) -> None:
    target.write(json.dumps({**answer, "bytes": len(data)}).encode() + b"\n")
    target.write(data)
    target.flush()


def _sandbox() -> types.ModuleType:
    """Return the module ``_snowflake`` that handlers import."""
    module = types.ModuleType("_snowflake")

    def vectorized(*args: Any, **options: Any) -> Callable[[Handler], Handler]:
        return lambda function: function

    module.vectorized = vectorized  # type: ignore[attr-defined]
    return module


def _answer(loaded: dict[tuple[str, str], Handler], request: Any, payload: bytes) -> bytes:
    import pyarrow as pa

    key = (request["folder"], request["handler"])
    if key not in loaded:
        loaded[key] = _load(Path(key[0]), key[1])
    with pa.ipc.open_stream(io.BytesIO(payload)) as reader:
        frame = reader.read_all().to_pandas()
    found = loaded[key](frame)
    texts = [json.dumps(_plain(value)) for value in _values(found)]
    if len(texts) != len(frame):
        raise ValueError(f"the handler returned {len(texts)} rows for {len(frame)}")
    table = pa.table({"value": pa.array(texts, pa.string())})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _load(folder: Path, handler: str) -> Handler:
    """Import ``functions.predict.infer`` of a version's folder."""
    module_name, _, attribute = handler.rpartition(".")
    file = folder.joinpath(*module_name.split(".")).with_suffix(".py")
    sys._xoptions["snowflake_import_directory"] = str(folder)
    spec = importlib.util.spec_from_file_location(f"_handler_{abs(hash(str(file)))}", file)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"no handler {handler}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, attribute)
    if not isinstance(found, type):
        return found  # type: ignore[no-any-return]
    made = found()
    if not hasattr(made, "process"):
        raise NotImplementedError("partitioned methods are not known to this emulator")
    return made.process  # type: ignore[no-any-return]


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


if __name__ == "__main__":
    main()
