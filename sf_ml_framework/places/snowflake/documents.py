"""Documents in an account: a dict or a dataclass as a file of JSON in the stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sf_ml_framework.manifest.model import DatasetSpec, Frame
from sf_ml_framework.places.snowflake.artifacts import Artifacts
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.values.documents import decoded, encoded

if TYPE_CHECKING:
    from sf_ml_framework.run.records import Saved

FILE = "document.json"


class Documents:
    """Saves and loads documents.

    Args:
        artifacts: keeps their files.
        names: tells a person where they stand.
    """

    def __init__(self, artifacts: Artifacts, names: Names) -> None:
        self._artifacts = artifacts
        self._names = names

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Saved:
        """Store *value* and return what is known of it then.

        Raises:
            DataError: JSON cannot hold it.
        """
        data = encoded(value, self._names.what(dataset, version))
        return self._artifacts.save(dataset, version, {FILE: data})

    def load(self, dataset: DatasetSpec, version: str, frame: Frame, dataclass: str) -> Any:
        """Return the document at *version* as a dict, or as the *dataclass* of that name.

        Raises:
            DataError: it is absent, damaged, or does not fit the dataclass.
        """
        files = self._artifacts.load(dataset, version)
        return decoded(files[FILE], frame, dataclass, self._names.what(dataset, version))
