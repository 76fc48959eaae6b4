"""What a model is trained on, as an official Dataset: it never changes, and lineage runs from it.

The table that a node takes which makes a model is such a table. Each time that it is saved with
other rows, a version of a Dataset of its name is made of it. Versions of a Dataset cannot be
replaced, so theirs is the author's version with the content's digest. A model whose sample comes
from the Dataset has it, and through it the feature view and the table, in its lineage.

Source: ``snowflake.ml.dataset`` 2.6.0, read; "Snowflake Datasets".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.manifest.model import DatasetSpec, Manifest
from sf_ml_framework.places.snowflake.errors import AbsentError
from sf_ml_framework.places.snowflake.names import Names, account_column, literal
from sf_ml_framework.plan.access import trained_on

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.run.records import Saved


class TrainingSets:
    """Makes Datasets of what models are trained on.

    Args:
        account: the connection.
        names: where they stand.
        manifest: says which tables those are; none: there is none.
    """

    def __init__(self, account: Account, names: Names, manifest: Manifest | None) -> None:
        self._account = account
        self._names = names
        self._trained_on = trained_on(manifest) if manifest else frozenset()

    def version(self, saved: Saved) -> str:
        """Return the version of the Dataset for the rows that were *saved*."""
        return f"{saved.version}-{saved.content[:12]}"

    def keep(self, dataset: DatasetSpec, saved: Saved) -> None:
        """Make a version of a Dataset of what was just *saved*, if a model is trained on it."""
        if dataset.name not in self._trained_on:
            return
        version = self.version(saved)
        if self._stands(dataset, version):
            return
        from snowflake.ml.dataset import create_from_dataframe

        view = self._names.sql(self._names.version(dataset, saved.version))
        special = [*dataset.join_keys, *filter(None, (dataset.timestamp_column,))]
        with self._account.translating(f"make the Dataset {dataset.name.upper()}"):
            create_from_dataframe(
                self._account.session,
                self._named(dataset),
                version,
                self._account.session.sql(f"SELECT * FROM {view}"),
                # A model does not learn from these; and their types need not be a Dataset's.
                exclude_cols=[quoted(account_column(name)) for name in special],
                comment=f"what {dataset.name}@{saved.version} held, {saved.content}",
            )

    def official(self, dataset: DatasetSpec, saved: Saved) -> Any:
        """Return the official Dataset, its version selected; none where none was made."""
        version = self.version(saved)
        if dataset.name not in self._trained_on or not self._stands(dataset, version):
            return None
        from snowflake.ml.dataset import load_dataset

        with self._account.translating(f"open the Dataset {dataset.name.upper()}"):
            return load_dataset(self._account.session, self._named(dataset), version)

    def _stands(self, dataset: DatasetSpec, version: str) -> bool:
        try:
            rows = self._account.rows(
                f"SHOW VERSIONS LIKE {literal(version)} IN DATASET {self._named(dataset)}"
            )
        except AbsentError:
            return False
        return any(row["version"] == version for row in rows)

    def _named(self, dataset: DatasetSpec) -> str:
        return self._names.sql(dataset.name.upper())
