"""The program of a batch inference job: a model's method over Parquet files.

Each instance takes its share of the rows, or of the partitions, and writes one file: the input's
columns and the method's. Table functions get one partition at a time.

Source: Snowflake, "Batch inference jobs"; snowflake-ml 2.6, ``run_batch``.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

from ..sandbox.values import plain
from . import methods


def main() -> None:
    """Run what the JSON in ``argv[1]`` says: image, method, input, output, partition, params."""
    asked = json.loads(sys.argv[1])
    index = int(os.environ["SNOWFLAKE_JOB_INDEX"])
    count = int(os.environ["SNOWFLAKE_JOBS_COUNT"])
    folder = Path(asked["image"])
    method = methods.find(folder, asked["method"])
    frame = _read(Path(asked["input"]))
    handler = methods.handler(folder, method)
    made = _made(handler, method, frame, asked, (index, count))
    target = Path(asked["output"])
    target.mkdir(parents=True, exist_ok=True)
    made.to_parquet(target / f"results_{index}.parquet", index=False)
    print(f"{len(made)} rows")  # noqa: T201 - the job's log


def _read(folder: Path) -> Any:
    import pandas as pd

    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"no Parquet files in {folder.name}")
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def _made(
    handler: Any, method: dict[str, Any], frame: Any, asked: dict[str, Any], share: tuple[int, int]
) -> Any:
    import pandas as pd

    index, count = share
    key = asked["partition"]
    if not isinstance(handler, type):
        mine = frame.iloc[index::count].reset_index(drop=True)
        rows = list(handler(_arguments(mine, method, asked["params"]))) if len(mine) else []
        return pd.concat([mine, pd.DataFrame([_row(row, method) for row in rows])], axis=1)
    parts = []
    column = _column(frame, key) if key else None
    groups = [(None, frame)] if column is None else frame.groupby(column, dropna=False, sort=True)
    for value, group in groups:
        if zlib.crc32(repr(value).encode()) % count != index:
            continue
        given = _arguments(group.reset_index(drop=True), method, asked["params"])
        one = handler()
        found = one.end_partition(given) if hasattr(one, "end_partition") else one.process(given)
        if column is not None:
            found = found.assign(**{column: value})
        parts.append(found)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _row(row: Any, method: dict[str, Any]) -> dict[str, Any]:
    if isinstance(row, dict):
        return {key: plain(value) for key, value in row.items()}
    return {str(method["outputs"][0].get("name") or method["name"]): plain(row)}


def _column(frame: Any, name: str) -> str:
    """Return the column of that name, whatever its case."""
    wanted = name.strip('"')
    for column in frame.columns:
        if column == wanted:
            return str(column)
    for column in frame.columns:
        if str(column).upper() == wanted.upper():
            return str(column)
    raise KeyError(f"the input has no column {name}")


def _arguments(frame: Any, method: dict[str, Any], params: dict[str, Any]) -> Any:
    names = [str(one["name"]) for one in method.get("inputs", [])]
    given = frame[[_column(frame, name) for name in names]].copy()
    known = {key.upper(): value for key, value in params.items()}
    for param in method.get("params", []):
        name = str(param["name"])
        given[name] = [known.get(name.upper())] * len(given)
    return given


if __name__ == "__main__":
    main()
