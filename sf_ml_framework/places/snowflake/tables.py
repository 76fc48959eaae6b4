"""Tables in an account: where each version stands, and whether it is what was written.

A table with an entity is read through its feature view; one without is a plain table. What a
person put there under the name of a version, or of a source, is taken as it is, checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.snowflake.column_checks import Content, TableCheck
from sf_ml_framework.places.snowflake.column_types import described
from sf_ml_framework.places.snowflake.drafts import columns_of
from sf_ml_framework.places.snowflake.ledger import Entry, Ledger
from sf_ml_framework.places.snowflake.missing import MissingError, Remedies
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.table_facts import TableFacts, facts_of
from sf_ml_framework.run.bindings import looks_like_path
from sf_ml_framework.run.records import Saved
from sf_ml_framework.values.columns import (
    StoredColumn,
    digest_of_checks,
    family,
    why_not_promised,
)
from sf_ml_framework.values.conform import refuse_names

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_REMEDY = "mend the table, or the columns in the catalog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One whole version of a table."""

    name: str
    """The table or view that it is read from."""
    columns: tuple[StoredColumn, ...]
    saved: Saved
    what: str
    """The dataset and its place for a person, at the head of a message."""


class Tables:
    """Finds tables, and tells whether they are whole.

    Args:
        account: the connection.
        names: where they stand.
        ledger: what is known of those that we wrote.
        remedies: tells how what is absent is made.
    """

    def __init__(self, account: Account, names: Names, ledger: Ledger, remedies: Remedies) -> None:
        self._account = account
        self._names = names
        self._ledger = ledger
        self._remedies = remedies
        # A table is read again only after it changed.
        self._contents: dict[tuple[str, str, str, str], Content] = {}

    def open(self, dataset: DatasetSpec, version: str) -> Standing:
        """Return what stands at *version*.

        What we wrote is not read, unless the account says that it changed since; what somebody
        else put there is read once, as is a dynamic table that was refreshed.

        Raises:
            DataError: it is absent, or not what was written or is promised.
        """
        what, remake = self._names.what(dataset, version), self._remedies.remake(dataset, version)
        if looks_like_path(version):
            raise MissingError(f"{what} is a file of a computer, and not in the account", remake)
        shown, held = self._names.version(dataset, version), self._names.table(dataset, version)
        source = dataset.name.upper()
        facts = facts_of(self._account, self._names, (shown, held, source))
        entry = self._ledger.entry(dataset, version)
        if entry is not None and shown in facts:
            return self._ours(dataset, entry, facts)
        theirs = shown if shown in facts and not dataset.entity else source
        if entry is None and theirs in facts and (theirs == shown or dataset.path):
            return self._of_others(dataset, version, facts[theirs])
        raise MissingError(f"{what} is missing", remake)

    def content(
        self, dataset: DatasetSpec, name: str, facts: TableFacts, columns: tuple[StoredColumn, ...]
    ) -> Content:
        """Return what stands for the rows of a table, checked; read only when it changed.

        Raises:
            DataError: a demand of the catalog is broken.
        """
        key = (name, facts.created, facts.altered, digest_of_checks(dataset.columns))
        if key not in self._contents:
            what = f"{dataset.name!r} ({self._names.shown(name)})"
            check = TableCheck(self._account, self._names.sql(name), columns, dataset.columns, what)
            self._contents[key] = check.content(remedy=_REMEDY)
        return self._contents[key]

    def _ours(self, dataset: DatasetSpec, entry: Entry, facts: dict[str, TableFacts]) -> Standing:
        version, known = entry.version, entry.signature
        what, remake = self._names.what(dataset, version), self._remedies.remake(dataset, version)
        if why := why_not_promised(known.columns, dataset.columns):
            raise DataError(f"{what} is not what the catalog says: {why}", remedy=remake)
        held = facts.get(known.object)
        if held is None:
            raise MissingError(f"{what} is missing: its table {known.object} is gone", remake)
        saved = entry.saved
        is_changed = (held.created, held.altered) != (known.created, known.altered)
        if is_changed or digest_of_checks(dataset.columns) not in ("", known.checks):
            if not held.is_dynamic and held.rows != entry.row_count:
                raise DataError(
                    f"{what} is not what was written: it has {held.rows:,} rows,"
                    f" and {entry.row_count:,} were written",
                    remedy=self._accept(remake, entry),
                )
            found = self.content(dataset, known.object, held, known.columns)
            if found.digest != entry.content and not held.is_dynamic:
                raise DataError(
                    f"{what} is not what was written: rows of it were changed",
                    remedy=self._accept(remake, entry),
                )
            saved = _with_content(saved, found)
        return Standing(
            name=self._names.version(dataset, version),
            columns=known.columns,
            saved=saved,
            what=what,
        )

    def _accept(self, remake: str, entry: Entry) -> str:
        return (
            f"{remake}, or, if it was changed on purpose, delete its row: DELETE FROM"
            f" MLOPS_DATASETS WHERE DATASET = '{entry.dataset}' AND VERSION = '{entry.version}'"
        )

    def _of_others(self, dataset: DatasetSpec, version: str, facts: TableFacts) -> Standing:
        """Return a table that a person put there; its types are those of the catalog."""
        what = self._names.what(dataset, version)
        rows = self._account.rows(f"DESCRIBE TABLE {self._names.sql(facts.name)}")
        found = described(rows)
        columns = found
        if dataset.columns:
            wanted = {each.name: each.type for each in dataset.columns}
            refuse_names([each.name for each in found], list(wanted), what=what, remedy=_REMEDY)
            _refuse_families(found, wanted, what)
            columns = columns_of(dataset, wanted, {})
        content = self.content(dataset, facts.name, facts, columns)
        saved = Saved(
            dataset=dataset.name,
            version=version,
            content=content.digest,
            bytes=facts.bytes,
            rows=content.rows,
            location=self._names.shown(facts.name),
        )
        return Standing(name=facts.name, columns=columns, saved=saved, what=what)


def _refuse_families(found: tuple[StoredColumn, ...], wanted: dict[str, str], what: str) -> None:
    given = {each.name: each.type for each in found}
    faults = [
        f"column {name!r} is {kind} in the catalog, and {given[name]} here"
        for name, kind in wanted.items()
        if family(given[name]) != family(kind)
    ]
    if faults:
        raise DataError(f"{what}: {'; '.join(faults)}", remedy=_REMEDY)


def _with_content(saved: Saved, content: Content) -> Saved:
    from msgspec.structs import replace

    return replace(saved, content=content.digest, rows=content.rows)
