"""The author's words for data: a column, a dataset, and the catalog that lists them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sf_ml_framework.author.declaration import place_of_caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table, and what must hold of each of its values.

    The type is one of ``integer`` (64 bits), ``int32``, ``float``, ``boolean``, ``string``,
    ``date``, ``timestamp`` (UTC), ``timestamp_ntz`` (no zone), ``category``, ``binary`` and
    ``decimal(p,s)``. Bounds are included; those of dates and timestamps are ISO 8601 texts.
    What is promised here is checked whenever the table is saved or loaded.
    """

    name: str
    type: str
    description: str = ""
    nullable: bool = True
    unique: bool = False
    minimum: float | str | None = None
    maximum: float | str | None = None
    allowed: Sequence[str | int | float | bool] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One dataset of the project: what it is, its version, and what it promises.

    ``kind`` is ``table``, ``model``, ``report`` (metrics, tables and pictures for a person) or
    ``document`` (a JSON object, such as fitted statistics). ``version`` is the author's own
    text, such as ``v1.2.0``. A dataset with a ``path`` (relative to the project) is a source:
    no node makes it. ``refresh_freq`` makes its feature view in an account refresh by itself.
    """

    name: str
    kind: Literal["table", "model", "report", "document"] = "table"
    description: str = ""
    version: str = "v1.0.0"
    entity: str = ""
    join_keys: Sequence[str] = ()
    timestamp_column: str | None = None
    columns: Sequence[Column] = ()
    refresh_freq: str | None = None
    path: str = ""
    place: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", place_of_caller(2))


class DataCatalog:
    """The datasets of a project, in the order they were declared."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets: tuple[Dataset, ...] = tuple(datasets)

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self.datasets)

    def __len__(self) -> int:
        return len(self.datasets)

    def __repr__(self) -> str:
        return f"DataCatalog({', '.join(dataset.name for dataset in self.datasets)})"
