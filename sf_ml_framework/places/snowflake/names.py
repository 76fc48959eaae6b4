"""How our names become the account's, and back: objects, columns, texts.

Ours are lower case, the account's upper case, as unquoted identifiers are folded there, so that a
person need not quote what we made. Everything else that reaches SQL is quoted as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sf_ml_framework.errors import DataError
from sf_ml_framework.identifiers import MAX_LENGTH, quoted, why_not_identifier, why_not_version
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.plan.names import DATASETS, METRICS

if TYPE_CHECKING:
    from sf_ml_framework.targets import Target

DELIMITER = "$"
"""Between the name and the version of a feature view; source: ``FeatureView`` of snowflake-ml."""

DATA = "$DATA"
"""What the name of the table ends with that a feature view shows. No version holds a ``$``."""

_OURS = re.compile(r"[a-z_][a-z0-9_$]*")
_THEIRS = re.compile(r"[A-Z_][A-Z0-9_$]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Where the datasets of a target stand, and what they are called there."""

    database: str
    schema: str
    warehouse: str = ""
    """Computes what Feature Store refreshes."""
    stage: str = "MLOPS_ARTIFACTS"

    @classmethod
    def of(cls, target: Target) -> Names:
        """Return the names of *target*."""
        return cls(
            database=target.database,
            schema=target.schema,
            warehouse=target.warehouse,
            stage=target.stage,
        )

    @property
    def datasets(self) -> str:
        """The table of what was saved, for SQL."""
        return self.sql(DATASETS)

    @property
    def metrics(self) -> str:
        """The table of what reports measured, for SQL."""
        return self.sql(METRICS)

    def sql(self, name: str) -> str:
        """Return the object *name*, exactly as written, qualified and quoted."""
        return f"{quoted(self.database)}.{quoted(self.schema)}.{quoted(name)}"

    def shown(self, name: str) -> str:
        """Return the object *name* as a person would type it."""
        parts = (self.database, self.schema, name)
        return ".".join(each if _THEIRS.fullmatch(each) else quoted(each) for each in parts)

    def version(self, dataset: DatasetSpec, version: str) -> str:
        """Return the name of a version: ``NAME$VERSION``, as Feature Store calls it.

        Raises:
            DataError: the dataset or the version cannot be a name in an account.
        """
        what = f"dataset {dataset.name!r} cannot stand in an account"
        if why := why_not_identifier(dataset.name):
            raise DataError(f"{what}: {why}", remedy="give it another name in the catalog")
        if DELIMITER in dataset.name:
            raise DataError(
                f"{what}: Feature Store divides name and version by {DELIMITER!r}",
                remedy="give it another name in the catalog",
            )
        if why := why_not_version(version):
            raise DataError(f"version {version!r} of {what}", remedy=why)
        return f"{dataset.name.upper()}{DELIMITER}{version}"

    def table(self, dataset: DatasetSpec, version: str) -> str:
        """Return the name of the table that holds a version.

        It is the version's own name, unless a feature view has that and shows the table.
        """
        name = self.version(dataset, version)
        return f"{name}{DATA}" if dataset.entity else name

    def folder(self, dataset: DatasetSpec, version: str, content: str) -> str:
        """Return where in the stage the files of a version with that *content* stand."""
        self.version(dataset, version)
        return f"datasets/{dataset.name}/{version}/{content[:32]}"

    def staged(self, path: str) -> str:
        """Return *path* in the stage, for PUT, GET and LIST."""
        return f"@{self.sql(self.stage)}/{path}"

    def what(self, dataset: DatasetSpec, version: str) -> str:
        """Return a version and its place for a person, at the head of a message."""
        return f"dataset '{dataset.name}@{version}' ({self.database}.{self.schema})"


def account_column(name: str) -> str:
    """Return what a column of ours is called in the account."""
    return name.upper() if _OURS.fullmatch(name) else name


def our_column(name: str) -> str:
    """Return what a column of the account is called here."""
    return name.lower() if _THEIRS.fullmatch(name) else name


def account_columns(names: Iterable[str], what: str) -> dict[str, str]:
    """Return for each column of ours its name in the account.

    Raises:
        DataError: one cannot be a name there, or two of them would have one.
    """
    mapped: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name in names:
        if not name or "\0" in name:
            raise DataError(
                f"{what}: {name!r} cannot be the name of a column", remedy="rename the column"
            )
        if len(name) > MAX_LENGTH:
            raise DataError(
                f"{what}: the name of column {name[:40] + '…'!r} has {len(name)} characters, and"
                f" Snowflake takes {MAX_LENGTH}",
                remedy="rename the column",
            )
        theirs = account_column(name)
        if theirs in taken:
            raise DataError(
                f"{what}: columns {taken[theirs]!r} and {name!r} would both be {theirs!r} there",
                remedy="rename one of them",
            )
        mapped[name] = theirs
        taken[theirs] = name
    return mapped


def literal(text: str) -> str:
    """Return *text* as a string constant of SQL, for what cannot be bound.

    Source: Snowflake, "String & binary data types": a backslash begins an escape sequence in a
    single-quoted constant.
    """
    if "\0" in text:
        raise DataError(
            f"{text!r} holds a zero byte, which no account keeps", remedy="leave it out"
        )
    return "'" + escaped(text) + "'"


def escaped(text: str) -> str:
    """Return *text* for between single quotes that someone else writes."""
    return text.replace("\\", "\\\\").replace("'", "''")
