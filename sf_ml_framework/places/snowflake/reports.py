"""Reports in an account: files in the stage, and their metrics as rows of a table.

What a run reported stays in the stage when a later run reports anew, so that the page of each run
can be made at any time.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec, Frame, Manifest
from sf_ml_framework.places.snowflake.artifacts import Artifacts
from sf_ml_framework.places.snowflake.merging import merge
from sf_ml_framework.places.snowflake.model_records import Origin
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.run.clock import now
from sf_ml_framework.values.reports import files_of, refuse_frame, report_of

if TYPE_CHECKING:
    from sf_ml_framework.author.report import Report
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.run.records import NodeRun, Saved

_COLUMNS = ("run_id", "node", "metric", "value_number", "value_text", "at")
_ROWS = 100
"""Metrics of one statement: each statement waits for the account."""


class Reports:
    """Saves and loads reports.

    Args:
        account: the connection.
        names: where the metrics go.
        artifacts: keeps the files.
        origin: the run and the node that save; without a run no metric is written.
        manifest: tells two reports of one node apart; may be none.
    """

    def __init__(
        self,
        account: Account,
        names: Names,
        artifacts: Artifacts,
        *,
        origin: Origin,
        manifest: Manifest | None,
    ) -> None:
        self._account = account
        self._names = names
        self._artifacts = artifacts
        self._origin = origin
        self._manifest = manifest

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Saved:
        """Store *value* and its metrics, and return what is known of it then.

        Raises:
            DataError: it is no report, or holds what cannot be shown.
        """
        files = files_of(value, self._names.what(dataset, version))
        saved = self._artifacts.save(dataset, version, files)
        # Read back: what is in the file, with plain numbers.
        self._measure(dataset, report_of(files).metrics)
        return saved

    def load(self, dataset: DatasetSpec, version: str, frame: Frame) -> Report:
        """Return the report at *version*; its figures are SVG texts and PNG bytes.

        Raises:
            DataError: it is absent or damaged, or asked for as something else.
        """
        refuse_frame(frame, self._names.what(dataset, version))
        return report_of(self._artifacts.load(dataset, version))

    def of_run(self, nodes: Sequence[NodeRun]) -> tuple[dict[str, Report], list[str]]:
        """Return what the nodes of a run reported, by dataset, whatever later runs reported.

        Args:
            nodes: as the journal has them.

        Returns:
            The reports, and for each that is no longer there a line that says why.
        """
        if self._manifest is None:
            return {}, []
        specs = {each.name: each for each in self._manifest.datasets if each.kind == "report"}
        found: dict[str, Report] = {}
        gone: list[str] = []
        for saved in (saved for node in nodes for saved in node.outputs):
            if saved.dataset not in specs:
                continue
            spec = specs[saved.dataset]
            try:
                files = self._artifacts.of_content(spec, saved.version, saved.content)
            except DataError as error:
                gone.append(str(error))
            else:
                found[saved.dataset] = report_of(files)
        return found, gone

    def _measure(self, dataset: DatasetSpec, metrics: Mapping[str, Any]) -> None:
        """Write the metrics of a report in the place of those of an earlier attempt."""
        if not self._origin.run_id:
            return
        node = self._node(dataset)
        prefix = f"{dataset.name}." if self._is_one_of_many(dataset) else ""
        types = {"value_number": "FLOAT", "value_text": "VARCHAR"}
        at = now()
        rows = [
            (self._origin.run_id, node, f"{prefix}{name}", *_number_and_text(value), at)
            for name, value in metrics.items()
        ]
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            statement = merge(self._names.metrics, _COLUMNS, keys=3, types=types, rows=len(some))
            self._account.execute(statement, tuple(itertools.chain.from_iterable(some)))

    def _node(self, dataset: DatasetSpec) -> str:
        producer = self._manifest.producer(dataset.name) if self._manifest else None
        return self._origin.node or (producer.name if producer else "")

    def _is_one_of_many(self, dataset: DatasetSpec) -> bool:
        producer = self._manifest.producer(dataset.name) if self._manifest else None
        if self._manifest is None or producer is None:
            return False
        kinds = {each.name: each.kind for each in self._manifest.datasets}
        return sum(kinds[name] == "report" for name in producer.dataset_outputs) > 1


def _number_and_text(value: Any) -> tuple[float | None, str | None]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (value, None) if is_number else (None, _text(value))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
