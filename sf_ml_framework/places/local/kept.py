"""Tables that stay in memory for the next node of the same process.

What was written as CSV need not be parsed again by the process that wrote it. A table is given
out only for the very content that it was kept for, so a file changed in between is read.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any


class KeptTables:
    """The tables used last, up to a size.

    Args:
        most_bytes: how much all of them may take; 0 keeps none.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._tables: OrderedDict[Path, tuple[str, Any]] = OrderedDict()

    def put(self, path: Path, content: str, table: Any) -> None:
        """Keep *table*, which is what reading *path* with that *content* gives."""
        self._tables.pop(path, None)
        if table.nbytes > self.most_bytes:
            return
        self._tables[path] = (content, table)
        while sum(each.nbytes for _, each in self._tables.values()) > self.most_bytes:
            self._tables.popitem(last=False)

    def get(self, path: Path, content: str) -> Any:
        """Return the table kept for *path*; none when there is none of that *content*."""
        kept_content, table = self._tables.get(path, ("", None))
        if table is None or kept_content != content:
            return None
        self._tables.move_to_end(path)
        return table

    def clear(self) -> None:
        """Keep nothing any more."""
        self._tables.clear()


class Gathering:
    """Gathers the batches of a table that is being written, as long as they are few.

    Args:
        most_bytes: with more than that, nothing is gathered.
        schema: the Arrow schema of every batch.
        copy: whether the batches may share memory with something that can change.
    """

    def __init__(self, most_bytes: int, schema: Any, *, copy: bool) -> None:
        self._left = most_bytes
        self._schema = schema
        self._copy = copy
        self._batches: list[Any] | None = [] if most_bytes else None

    def add(self, batch: Any) -> None:
        """Take *batch*, unless there is too much already."""
        if self._batches is None:
            return
        self._left -= batch.nbytes
        if self._left < 0:
            self._batches = None
        else:
            self._batches.append(batch)

    def table(self) -> Any:
        """Return everything as one Arrow table; none when it was too much."""
        import pyarrow as pa

        if self._batches is None:
            return None
        table = pa.Table.from_batches(self._batches, self._schema)
        if not self._copy:
            return table
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._schema) as writer:
            writer.write_table(table)
        return pa.ipc.open_stream(sink.getvalue()).read_all()
