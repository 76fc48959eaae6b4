"""Lazy tables: one DuckDB for everything a place hands out as an Ibis table."""

from __future__ import annotations

import re
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.local.scratch import Scratch
from sf_ml_framework.values.columns import StoredColumn

if TYPE_CHECKING:
    from sf_ml_framework.places.local.engine import OrderedDuckDB


class LazyTables:
    """Hands out files and Arrow tables as Ibis tables of one DuckDB, and computes them.

    The DuckDB is started with the first table. What it cannot hold in memory goes into
    *scratch*.
    """

    def __init__(self, scratch: Scratch, *, memory_limit: str | None, threads: int) -> None:
        self._scratch = scratch
        self._memory_limit = memory_limit
        self._threads = threads
        self._engine: OrderedDuckDB | None = None
        self._numbers = count(1)
        # A table may be found to be out of use in the middle of a query, when nothing may change.
        self._unused: deque[tuple[str, bool]] = deque()

    def of_parquet(self, path: Path, columns: Sequence[StoredColumn], name: str) -> Any:
        """Return a Parquet file, which is read at each use, as an Ibis table."""
        engine = self._ready()
        relation = engine.con.read_parquet(_literal(path))
        view = self._name(name)
        relation.create_view(view)
        return self._table(view, columns, is_registered=False)

    def of_arrow(self, data: Any, columns: Sequence[StoredColumn], name: str) -> Any:
        """Return an Arrow table as an Ibis table."""
        view = self._name(name)
        self._ready().con.register(view, data)
        return self._table(view, columns, is_registered=True)

    def batches(self, table: Any, keys: Sequence[str], rows: int) -> tuple[Any, Iterator[Any]]:
        """Return the Arrow schema of an Ibis table or column, and its batches in one order."""
        from sf_ml_framework.places.local import engine

        ordered = engine.in_one_order(table.as_table(), keys)
        return engine.batches_of(ordered, self._ready(), rows)

    def close(self) -> None:
        """Stop the DuckDB; its tables are of no use afterwards."""
        if self._engine is not None:
            self._engine.disconnect()
            self._engine = None

    def _ready(self) -> OrderedDuckDB:
        if self._engine is None:
            self._engine = self._started()
        while self._unused:
            view, is_registered = self._unused.popleft()
            if is_registered:
                self._engine.con.unregister(view)
            else:
                self._engine.con.execute(f"DROP VIEW {quoted(view)}")
        return self._engine

    def _started(self) -> OrderedDuckDB:
        from sf_ml_framework.places.local.engine import connect

        config = {"temp_directory": str(self._scratch.folder)}
        if self._memory_limit:
            config["memory_limit"] = self._memory_limit
        return connect(config, self._threads)

    def _name(self, name: str) -> str:
        plain = re.sub(r"[^\w@.]", "_", name)
        return f"{plain}#{next(self._numbers)}"

    def _table(self, view: str, columns: Sequence[StoredColumn], *, is_registered: bool) -> Any:
        table = self._ready().table(view)
        # Expressions hold on to this node for as long as they need the data.
        weakref.finalize(table.op(), self._unused.append, (view, is_registered))
        return table.select([each.name for each in columns])


def _literal(path: Path) -> str:
    """Return *path* so that DuckDB takes none of it for a pattern."""
    return re.sub(r"([\[*?])", r"[\1]", str(path))
