"""Reports as files: ``report.json``, and each figure as a file of its own."""

from __future__ import annotations

import io
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sf_ml_framework.author.report import Report
from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import Frame
from sf_ml_framework.values.documents import plain_json

FILE = "report.json"
_PNG = b"\x89PNG\r\n\x1a\n"


class _Figure(msgspec.Struct, frozen=True):
    caption: str
    file: str


class _Stored(msgspec.Struct, frozen=True):
    title: str
    metrics: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]
    figures: tuple[_Figure, ...]
    notes: tuple[str, ...]


def files_of(value: Any, what: str) -> dict[str, bytes]:
    """Return the files of a report by their names, the same bytes for equal reports.

    Args:
        value: the report.
        what: the report for a person, at the head of a message.

    Raises:
        DataError: it is no report, or holds what cannot be shown.
    """
    if not isinstance(value, Report):
        raise DataError(
            f"{what} cannot be made of a {type(value).__name__}", remedy="return a Report"
        )
    files, stored = _stored(value, what)
    text = msgspec.json.format(msgspec.json.encode(stored), indent=1) + b"\n"
    return {FILE: text, **files}


def report_of(files: Mapping[str, bytes]) -> Report:
    """Return the report whose files these are; its figures are SVG texts and PNG bytes."""
    stored = msgspec.json.decode(files[FILE], type=_Stored)
    figures = {}
    for figure in stored.figures:
        data = files[figure.file]
        figures[figure.caption] = data if data.startswith(_PNG) else data.decode()
    return Report(
        title=stored.title,
        metrics=stored.metrics,
        tables=stored.tables,
        figures=figures,
        notes=stored.notes,
    )


def refuse_frame(frame: Frame, what: str) -> None:
    """Say whether a report can be given as *frame*.

    Raises:
        DataError: it cannot.
    """
    if frame != "any":
        raise DataError(
            f"{what} is a report, and cannot be given as a {frame}",
            remedy="annotate the argument as Report",
        )


def _stored(report: Report, what: str) -> tuple[dict[str, bytes], _Stored]:
    files: dict[str, bytes] = {}
    figures = []
    for caption, figure in report.figures.items():
        data = _image(figure, caption, what)
        suffix = ".png" if data.startswith(_PNG) else ".svg"
        name = _file_name(caption, suffix, files)
        files[name] = data
        figures.append(_Figure(caption=str(caption), file=name))
    stored = _Stored(
        title=str(report.title),
        metrics=plain_json(_finite(dict(report.metrics)), what),
        tables={str(name): _rows(table, name, what) for name, table in report.tables.items()},
        figures=tuple(figures),
        notes=tuple(str(note) for note in report.notes),
    )
    return files, stored


def _rows(table: Any, name: str, what: str) -> list[dict[str, Any]]:
    """Return a table as rows that JSON can hold; what is missing or infinite is null."""
    package = type(table).__module__.partition(".")[0]
    if package == "pandas":
        table = _with_index(table).to_dict(orient="records")
    elif package == "polars":
        table = table.to_dicts()
    elif package == "pyarrow":
        table = table.to_pylist()
    if not isinstance(table, Sequence) or not all(isinstance(row, Mapping) for row in table):
        raise DataError(
            f"{what}: table {name!r} is a {type(table).__name__}",
            remedy="give a pandas frame, or a list of dicts",
        )
    rows = [{str(key): _finite(value) for key, value in row.items()} for row in table]
    plain: list[dict[str, Any]] = plain_json(rows, what)
    return plain


def _with_index(frame: Any) -> Any:
    """Return *frame* with an index that says something as its first columns."""
    import pandas as pd

    numbered = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    return frame if numbered else frame.reset_index()


def _finite(value: Any) -> Any:
    """Return *value* with null for what is missing, no number, or infinite."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    plain = value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def _image(figure: Any, caption: str, what: str) -> bytes:
    if hasattr(figure, "savefig"):
        return _svg(figure)
    if isinstance(figure, str) and "<svg" in figure:
        return figure.encode()
    if isinstance(figure, bytes) and figure.startswith(_PNG):
        return figure
    raise DataError(
        f"{what}: figure {caption!r} is a {type(figure).__name__}, and no picture that is known",
        remedy="give a matplotlib figure, the text of an SVG, or the bytes of a PNG",
    )


def _svg(figure: Any) -> bytes:
    import matplotlib as mpl

    sink = io.BytesIO()
    # Without salt and date the same picture has the same bytes.
    with mpl.rc_context({"svg.hashsalt": "sf-ml-framework"}):
        figure.savefig(sink, format="svg", metadata={"Date": None})
    return sink.getvalue()


def _file_name(caption: str, suffix: str, taken: Mapping[str, bytes]) -> str:
    letters = unicodedata.normalize("NFKD", str(caption)).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", letters.lower()).strip("-")[:60] or "figure"
    name, number = f"{slug}{suffix}", 2
    while name in taken:
        name, number = f"{slug}-{number}{suffix}", number + 1
    return name
