"""A schema of an account as the place of a project's data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, assert_never

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec, Frame, Manifest
from sf_ml_framework.places.snowflake.ledger import Ledger
from sf_ml_framework.places.snowflake.missing import MissingError, Remedies
from sf_ml_framework.places.snowflake.model_records import Origin
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.run.bindings import looks_like_path

if TYPE_CHECKING:
    from sf_ml_framework.author.report import Report
    from sf_ml_framework.places.snowflake.artifacts import Artifacts
    from sf_ml_framework.places.snowflake.documents import Documents
    from sf_ml_framework.places.snowflake.expressions import Expressions
    from sf_ml_framework.places.snowflake.feature_store import FeatureViews
    from sf_ml_framework.places.snowflake.models import ModelStore
    from sf_ml_framework.places.snowflake.reports import Reports
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.places.snowflake.table_loading import TableReader
    from sf_ml_framework.places.snowflake.table_saving import TableWriter
    from sf_ml_framework.places.snowflake.tables import Tables
    from sf_ml_framework.places.snowflake.training import TrainingSets
    from sf_ml_framework.run.records import NodeRun, Saved


class SnowflakePlace:
    """Keeps tables as tables and feature views, models in the Registry, the rest in a stage.

    Implements ``run.ports.Place``. One instance serves one node of one run, in one thread. The
    framework's tables and its stage stand since the deployment. Snowflake's own libraries, and
    those of data frames, are imported by what first needs them.

    Args:
        account: the connection; its opener closes it.
        names: where everything stands.
        manifest: tells who makes what, for messages, and what models are trained on; may be none.
        origin: the run and the node that save, and the commit of their code.
        alias: of the target's stage in the Model Registry; may be empty.
    """

    def __init__(
        self,
        account: Account,
        names: Names,
        manifest: Manifest | None = None,
        *,
        origin: Origin | None = None,
        alias: str = "",
    ) -> None:
        self._account = account
        self._names = names
        self._manifest = manifest
        self._origin = origin or Origin()
        self._alias = alias
        self._remedies = Remedies(manifest)
        self._ledger = Ledger(account, names, self._origin)

    def for_node(self, *, run_id: str, node: str, commit: str) -> SnowflakePlace:
        """Return this place as one node of one run sees it; what it saves says whose it is."""
        return SnowflakePlace(
            self._account,
            self._names,
            self._manifest,
            origin=Origin(run_id=run_id, node=node, commit=commit),
            alias=self._alias,
        )

    @property
    def feature_store(self) -> Any:
        """The official Feature Store of the schema, opened at first use."""
        return self._views.official

    @property
    def model_registry(self) -> Any:
        """The official Model Registry of the schema, opened at first use."""
        return self._models.official

    def resolve(self, dataset: DatasetSpec, version: str) -> str:
        """Return the version that *version* stands for.

        ``current`` is the catalog's, ``latest`` the one that was saved last.

        Raises:
            DataError: ``latest`` was asked for and there is none.
        """
        if version == "current" or (version == "latest" and dataset.path):
            return dataset.version
        if version != "latest":
            return version
        is_model = dataset.kind == "model"
        found = self._models.latest(dataset) if is_model else self._ledger.latest(dataset)
        if not found:
            raise DataError(
                f"dataset {dataset.name!r} has no version in"
                f" {self._names.database}.{self._names.schema}",
                remedy=self._remedies.remake(dataset, dataset.version),
            )
        return found

    def find(self, dataset: DatasetSpec, version: str) -> Saved | None:
        """Return what stands at *version*; none when it is absent or not whole."""
        try:
            return self._standing(dataset, version)
        except DataError:
            return None

    def why_not_found(self, dataset: DatasetSpec, version: str) -> str:
        """Return ``missing`` or ``damaged`` for what ``find`` does not find, empty else."""
        if dataset.kind == "model":
            return self._models.why_not_found(dataset, version)
        try:
            self._standing(dataset, version)
        except MissingError:
            return "missing"
        except DataError:
            return "damaged"
        return ""

    def load(self, dataset: DatasetSpec, version: str, *, frame: Frame, dataclass: str = "") -> Any:
        """Return the value at *version*, checked, as *frame* says.

        Raises:
            DataError: it is absent, damaged, of another shape, or breaks a check of its columns.
            ModelError: a model is not the one that was saved; nothing was unpickled.
            OperatorError: the account refuses it.
            PlatformError: the connection broke, or the server failed.
        """
        match dataset.kind:
            case "table":
                return self._table(dataset, version, frame)
            case "model":
                return self._models.load(dataset, version, frame)
            case "document":
                return self._documents.load(dataset, version, frame, dataclass)
            case "report":
                return self._reports.load(dataset, version, frame)
            case _:
                assert_never(dataset.kind)

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Saved:
        """Check *value* and store it whole; until then the old one stands.

        Raises:
            DataError: *value* is not what the catalog promises, or a feature view of that version
                is defined otherwise.
            OperatorError: the account refuses it.
            PlatformError: the connection broke, or the server failed; it is then found whole or
                not at all.
        """
        if dataset.path or looks_like_path(version):
            raise DataError(
                f"dataset {dataset.name!r} at {dataset.path or version} is a source of yours,"
                " and nothing writes it",
                remedy="save under the name of a dataset that nodes make, and a version",
            )
        match dataset.kind:
            case "table":
                saved = self._writer.save(dataset, version, value)
                self._training_sets.keep(dataset, saved)
                return saved
            case "model":
                return self._models.save(dataset, version, value)
            case "document":
                return self._documents.save(dataset, version, value)
            case "report":
                saved = self._reports.save(dataset, version, value)
                self._models.note_metrics(value.metrics)
                return saved
            case _:
                assert_never(dataset.kind)

    def reports_of(self, nodes: Sequence[NodeRun]) -> tuple[dict[str, Report], list[str]]:
        """Return what the nodes of a run reported then, by dataset; see ``Reports.of_run``."""
        return self._reports.of_run(nodes)

    def training_set(self, dataset: DatasetSpec, version: str) -> Any:
        """Return the official Dataset of what stands at *version*; none where there is none."""
        saved = self.find(dataset, version)
        return self._training_sets.official(dataset, saved) if saved else None

    def close(self) -> None:
        """Do nothing: the account is its opener's, and lazy tables live as long as it does."""

    def _table(self, dataset: DatasetSpec, version: str, frame: Frame) -> Any:
        standing = self._tables.open(dataset, version)
        value = self._reader.load(dataset, standing, frame)
        # A model that is fitted on it takes its sample, and so its lineage, from it.
        sets, saved = self._training_sets, standing.saved
        self._models.note_table(value, official=lambda: sets.official(dataset, saved))
        return value

    def _standing(self, dataset: DatasetSpec, version: str) -> Saved | None:
        match dataset.kind:
            case "table":
                return self._tables.open(dataset, version).saved
            case "model":
                return self._models.find(dataset, version)
            case "document" | "report":
                return self._artifacts.open(dataset, version).saved
            case _:
                assert_never(dataset.kind)

    @cached_property
    def _models(self) -> ModelStore:
        from sf_ml_framework.places.snowflake.models import ModelStore

        return ModelStore(
            self._account,
            self._names.database,
            self._names.schema,
            origin=self._origin,
            alias=self._alias,
            project=self._manifest.project if self._manifest else "",
        )

    @cached_property
    def _artifacts(self) -> Artifacts:
        from sf_ml_framework.places.snowflake.artifacts import Artifacts

        return Artifacts(self._account, self._names, self._ledger, self._remedies)

    @cached_property
    def _documents(self) -> Documents:
        from sf_ml_framework.places.snowflake.documents import Documents

        return Documents(self._artifacts, self._names)

    @cached_property
    def _reports(self) -> Reports:
        from sf_ml_framework.places.snowflake.reports import Reports

        return Reports(
            self._account,
            self._names,
            self._artifacts,
            origin=self._origin,
            manifest=self._manifest,
        )

    @cached_property
    def _tables(self) -> Tables:
        from sf_ml_framework.places.snowflake.tables import Tables

        return Tables(self._account, self._names, self._ledger, self._remedies)

    @cached_property
    def _expressions(self) -> Expressions:
        from sf_ml_framework.places.snowflake.expressions import Expressions

        return Expressions(self._account, self._names)

    @cached_property
    def _views(self) -> FeatureViews:
        from sf_ml_framework.places.snowflake.feature_store import FeatureViews

        return FeatureViews(self._account, self._names)

    @cached_property
    def _training_sets(self) -> TrainingSets:
        from sf_ml_framework.places.snowflake.training import TrainingSets

        return TrainingSets(self._account, self._names, self._manifest)

    @cached_property
    def _reader(self) -> TableReader:
        from sf_ml_framework.places.snowflake.table_loading import TableReader

        return TableReader(self._account, self._names, self._expressions)

    @cached_property
    def _writer(self) -> TableWriter:
        from sf_ml_framework.places.snowflake.table_saving import TableWriter

        return TableWriter(
            account=self._account,
            names=self._names,
            ledger=self._ledger,
            tables=self._tables,
            expressions=self._expressions,
            views=self._views,
        )
