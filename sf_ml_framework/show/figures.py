"""Pictures and tables of a report, as a page can hold them."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sf_ml_framework.show import words

MOST_ROWS = 200
"""Rows of a table that a page shows."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)
_SVG = "image/svg+xml"


class Table(NamedTuple):
    """A table as text."""

    columns: list[tuple[str, bool]]
    """Title, and whether it holds numbers."""
    rows: list[list[str]]
    left_out: int
    """Rows that are not shown."""


def data_uri(figure: Any) -> str:
    """Return *figure* as a ``data:`` URI; empty when it is no picture.

    As an image an SVG runs no script, loads nothing and shares no names with the page.

    Args:
        figure: SVG as text, the bytes of an SVG, PNG, JPEG or GIF, or a matplotlib figure.
    """
    if hasattr(figure, "savefig"):
        stream = io.StringIO()
        figure.savefig(stream, format="svg", bbox_inches="tight")
        figure = stream.getvalue()
    data = figure.encode() if isinstance(figure, str) else figure
    if not isinstance(data, bytes):
        return ""
    kind = next((kind for magic, kind in _MAGIC if data.startswith(magic)), "")
    if not kind and b"<svg" in data:
        kind = _SVG
    return f"data:{kind};base64,{b64encode(data).decode()}" if kind else ""


def table_of(value: Any) -> Table:
    """Return rows as dicts, or a frame of pandas or polars, as a table in its own order."""
    rows = _rows(value)
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    shown = rows[:MOST_ROWS]
    columns = [[row.get(name) for row in shown] for name in names]
    titles = [(name, _all_numbers(cells)) for name, cells in zip(names, columns, strict=True)]
    texts = [words.column(cells) for cells in columns]
    return Table(titles, [list(row) for row in zip(*texts, strict=True)], len(rows) - len(shown))


def _rows(value: Any) -> list[dict[str, Any]]:
    if hasattr(value, "to_dicts"):
        rows = value.to_dicts()
    elif hasattr(value, "to_dict"):
        # An index that was given a name is a column to its author.
        rows = (value.reset_index() if any(value.index.names) else value).to_dict("records")
    else:
        rows = value
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        return [{"value": str(value)}]
    return [{str(name): _plain(cell) for name, cell in row.items()} for row in rows]


def _plain(cell: Any) -> Any:
    """Return a number of NumPy's as Python's own."""
    item = getattr(cell, "item", None)
    return item() if callable(item) else cell


def _all_numbers(cells: Sequence[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(
        isinstance(cell, int | float) and not isinstance(cell, bool) for cell in known
    )
