"""The engine's connection as fakesnow is given it: every result is an Arrow table at once."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import pyarrow as pa

LENGTHS = "_fs_global._fs_information_schema._fs_columns_ext"
WHERE = "ext_table_catalog = ? and ext_table_schema = ? and ext_table_name = ?"
"""Where fakesnow keeps how long texts may be, by the table's name."""


def ident(name: str) -> str:
    """Return *name* as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


_TOLD = re.compile(r"SELECT '(.*)' as '?status'?", re.DOTALL)
_HISTORY = re.compile(r"DELETE FROM (.+)(\._fs_information_schema\._fs_load_history .*)", re.DOTALL)
_NOTED = "INSERT INTO _fs_global._fs_information_schema._fs_"
_NOTE = re.compile(r"\('(.+?)', '(.+?)', '(.+?)', '(.+?)'((?:, \d+)*)\)(?=[,\s])", re.DOTALL)


def _doubled(text: str) -> str:
    return text.replace("'", "''")


def _parts(row: re.Match[str]) -> str:
    return "', '".join(_doubled(part) for part in row.groups()[:4])


class Duck:
    """A DuckDB connection that keeps the last result as an Arrow table, and what it is made of."""

    def __init__(self, inner: duckdb.DuckDBPyConnection) -> None:
        self.inner = inner
        self.described: list[tuple[str, str]] = []
        self._last: pa.Table | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def execute(self, sql: Any, values: Any = None) -> Any:
        """Run it; names that fakesnow puts between quotes as they are have their quotes doubled."""
        if isinstance(sql, str):
            if history := _HISTORY.fullmatch(sql):
                sql = f"DELETE FROM {ident(history[1])}{history[2]}"
            elif told := _TOLD.fullmatch(sql):
                sql = f"SELECT '{_doubled(told[1])}' as 'status'"
            elif sql.lstrip().startswith(_NOTED):
                sql = _NOTE.sub(lambda m: f"('{_parts(m)}'{m[5]})", sql)
        # As a relation, whose rows become Arrow without a copy.
        relation = self.inner.sql(sql, params=values)
        self._last = None
        if relation is not None:
            self.described = list(zip(relation.columns, map(str, relation.types), strict=True))
            self._last = relation.to_arrow_table()
        return self

    def to_arrow_table(self) -> pa.Table:
        """Return the last statement's result."""
        if self._last is None:
            raise duckdb.InvalidInputException("the last statement has no result")
        return self._last

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return its rows as Python values."""
        columns = [column.to_pylist() for column in self.to_arrow_table().columns]
        return list(zip(*columns, strict=True))

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the first of them."""
        return next(iter(self.fetchall()), None)
