"""Reports: a folder with ``report.json`` and each figure as a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sf_ml_framework.manifest.model import DatasetSpec, Frame
from sf_ml_framework.places.local.artifacts import Artifacts
from sf_ml_framework.places.local.layout import Layout
from sf_ml_framework.places.local.sidecar import Sidecar
from sf_ml_framework.places.local.writing import written
from sf_ml_framework.values.reports import files_of, refuse_frame, report_of

if TYPE_CHECKING:
    from sf_ml_framework.author.report import Report


class Reports:
    """Saves and loads reports.

    Args:
        layout: where they go.
        artifacts: finds them.
    """

    def __init__(self, layout: Layout, artifacts: Artifacts) -> None:
        self._layout = layout
        self._artifacts = artifacts

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Sidecar:
        """Write *value* and return what is known of it then.

        Raises:
            DataError: it is no report, holds what cannot be shown, or the disk refuses.
        """
        path = self._layout.artifact(dataset, version)
        files = files_of(value, self._artifacts.what(dataset, version, path))
        return written(self._layout, dataset, version, files)

    def load(self, dataset: DatasetSpec, version: str, frame: Frame) -> Report:
        """Return the report at *version*; its figures are SVG texts and PNG bytes.

        Raises:
            DataError: it is absent or damaged, or asked for as something else.
        """
        artifact = self._artifacts.open(dataset, version)
        refuse_frame(frame, artifact.what)
        files = {each.name: each.read_bytes() for each in artifact.path.iterdir() if each.is_file()}
        return report_of(files)
