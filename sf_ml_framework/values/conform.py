"""Fit a table to the columns that it is promised to have, or say in what it does not."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.values.columns import StoredColumn, arrow_schema, arrow_type, family, type_name

_WIDENING = {
    ("integer", "float"),
    ("integer", "decimal"),
    ("float", "integer"),
    ("float", "decimal"),
    ("decimal", "integer"),
    ("decimal", "float"),
    ("timestamp_ntz", "date"),
    ("date", "timestamp_ntz"),
}
"""Families of which a value of the first can be one of the second; whether it is, is tried."""

MOST_CATEGORIES = 1000
"""How many categories a sidecar keeps; of more, only those that occur survive, sorted."""


class Conform:
    """Casts batches to the columns of a dataset.

    Args:
        dataset: the promise; when it declares no columns, those of *schema* are kept.
        schema: the Arrow schema of what comes.
        what: the table for a person, at the head of every message.
        remedy: what to do when it does not fit.

    Raises:
        DataError: columns are missing, too many, or of another kind; names them all.
    """

    def __init__(self, dataset: DatasetSpec, schema: Any, *, what: str, remedy: str) -> None:
        self._what = what
        self._remedy = remedy
        names = list(schema.names)
        if dataset.columns:
            wanted = {column.name: column.type for column in dataset.columns}
            refuse_names(names, list(wanted), what=what, remedy=remedy)
            self._refuse(_type_faults(schema, wanted))
        else:
            self._refuse(_faults_of_free_columns(schema))
            wanted = {field.name: type_name(field.type) for field in schema}
        self._types = wanted
        self.schema = arrow_schema(StoredColumn(name, each) for name, each in wanted.items())

    @property
    def types(self) -> dict[str, str]:
        """Type of each column, in the order in which they are stored."""
        return dict(self._types)

    def batch(self, batch: Any) -> Any:
        """Return *batch* with the types and the order of the columns that are promised.

        Raises:
            DataError: a value is none of its column's type.
        """
        import pyarrow as pa

        if batch.schema.equals(self.schema):
            return batch
        arrays = [self._cast(batch.column(name), name) for name in self.schema.names]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _cast(self, array: Any, name: str) -> Any:
        import pyarrow as pa

        wanted = self._types[name]
        try:
            return cast(array, wanted)
        except pa.ArrowException as error:
            raise DataError(
                f"{self._what}: column {name!r} is {wanted}, and a value of it is not: {error}",
                remedy=self._remedy,
            ) from error

    def _refuse(self, faults: Sequence[str]) -> None:
        if faults:
            raise DataError(f"{self._what}: {'; '.join(faults)}", remedy=self._remedy)


def refuse_names(names: Sequence[str], wanted: Sequence[str], *, what: str, remedy: str) -> None:
    """Say whether *names* are those that are *wanted*, in any order.

    Raises:
        DataError: columns are missing, too many or doubled; names the nearest.
    """
    faults = _name_faults(names, wanted)
    if faults:
        near = _nearest(names, wanted)
        raise DataError(f"{what}: {'; '.join(faults)}", remedy=f"{near}{remedy}")


def cast(array: Any, wanted: str) -> Any:
    """Return *array* as the type *wanted*, without loss.

    Decimals from floats are the exception: they are rounded to their scale.

    Raises:
        ArrowException: a value cannot be kept.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    target = arrow_type(wanted)
    if pa.types.is_dictionary(array.type):
        array = pc.cast(array, array.type.value_type)
    if array.type.equals(target):
        return array
    source = type_name(array.type)
    if family(source) == "integer" and family(wanted) == "decimal":
        # Arrow asks for room for the largest integer, however small these are.
        array = pc.cast(array, pa.string())
    done = pc.cast(array, target)
    if source == "timestamp_ntz" and wanted == "date":
        _refuse_times_of_day(array, done)
    return done


def categories_of(array: Any) -> tuple[tuple[str, ...], bool]:
    """Return the categories of a dictionary array in their order, and whether it matters."""
    dictionary = array.chunk(0).dictionary if hasattr(array, "chunk") else array.dictionary
    if len(dictionary) > MOST_CATEGORIES or dictionary.null_count:
        return (), False
    return tuple(dictionary.to_pylist()), bool(array.type.ordered)


def _refuse_times_of_day(array: Any, dates: Any) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    differs = pc.not_equal(pc.cast(dates, array.type), array)
    if pc.any(differs).as_py():
        example = array.filter(differs)[0].as_py()
        raise pa.ArrowInvalid(f"{example} has a time of day")


def _name_faults(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    missing = [name for name in wanted if name not in names]
    extra = [name for name in names if name not in wanted]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults = [f"column{_s(missing)} {_list(missing)} {_is(missing)} missing"] if missing else []
    if extra:
        faults.append(f"the catalog has no column{_s(extra)} {_list(extra)}")
    return [*faults, f"column{_s(twice)} {_list(twice)} stand there twice"] if twice else faults


def _nearest(names: Sequence[str], wanted: Sequence[str]) -> str:
    extra = [name for name in names if name not in wanted]
    missing = [name for name in wanted if name not in names]
    pairs = [
        f"{name!r} for {near[0]!r}"
        for name in extra
        if (near := get_close_matches(name, missing, n=1, cutoff=0.6))
    ]
    return f"is {' and '.join(pairs)} a slip? Else " if pairs else ""


def _type_faults(schema: Any, wanted: dict[str, str]) -> list[str]:
    faults = []
    for name, declared in wanted.items():
        arrow = schema.field(name).type
        given = type_name(arrow)
        pair = (family(given), family(declared))
        if not is_null(arrow) and pair[0] != pair[1] and pair not in _WIDENING:
            faults.append(
                f"column {name!r} is {declared} in the catalog, and {given or arrow} here"
            )
    return faults


def _faults_of_free_columns(schema: Any) -> list[str]:
    names = list(schema.names)
    faults = [] if names else ["it has no columns"]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        faults.append(f"column{_s(twice)} {_list(twice)} stand there twice")
    faults += [
        f"column {field.name!r} is {field.type}, which no file keeps"
        for field in schema
        if not type_name(field.type)
    ]
    return faults


def is_null(arrow: Any) -> bool:
    """Return whether an Arrow type has no values at all."""
    import pyarrow as pa

    return bool(pa.types.is_null(arrow))


def _list(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _s(names: Sequence[str]) -> str:
    return "" if len(names) == 1 else "s"


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
