"""Documents and reports in an account: files in the stage, and a row that says which of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.snowflake.ledger import Entry, Ledger, Signature
from sf_ml_framework.places.snowflake.missing import MissingError, Remedies
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.stage_files import StageFiles, content_of
from sf_ml_framework.run.bindings import looks_like_path
from sf_ml_framework.run.clock import now

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.run.records import Saved


class Artifacts:
    """Saves and finds what is files: each version is a folder that never changes.

    Args:
        account: the connection.
        names: where they stand.
        ledger: says which folder a version is.
        remedies: tells how what is absent is made.
    """

    def __init__(self, account: Account, names: Names, ledger: Ledger, remedies: Remedies) -> None:
        self._names = names
        self._ledger = ledger
        self._remedies = remedies
        self._files = StageFiles(account, names)

    def save(self, dataset: DatasetSpec, version: str, files: Mapping[str, bytes]) -> Saved:
        """Put *files* there, and let *version* stand for them from then on."""
        content = content_of(files)
        folder = self._names.folder(dataset, version, content)
        staged = self._files.put(folder, files)
        entry = Entry(
            dataset=dataset.name,
            version=version,
            kind=dataset.kind,
            content=content,
            bytes=sum(len(data) for data in files.values()),
            location=f"@{self._names.shown(self._names.stage)}/{folder}",
            saved_at=now(),
            signature=Signature(folder=folder, files=staged),
        )
        self._ledger.put(entry)
        return entry.saved

    def open(self, dataset: DatasetSpec, version: str) -> Entry:
        """Return what stands at *version*, found whole without being read.

        Raises:
            DataError: it is absent, or not what was written.
        """
        what, remake = self._told(dataset, version)
        if looks_like_path(version) or dataset.path:
            raise MissingError(f"{what} is a file of a computer, and not in the account", remake)
        entry = self._ledger.entry(dataset, version)
        if entry is None:
            raise MissingError(f"{what} is missing", remake)
        if why := self._files.why_not_whole(entry.signature.folder, entry.signature.files):
            raise DataError(f"{what} is not what was written: {why}", remedy=remake)
        return entry

    def load(self, dataset: DatasetSpec, version: str) -> dict[str, bytes]:
        """Return the files of *version*.

        Raises:
            DataError: it is absent, or not what was written.
        """
        entry = self.open(dataset, version)
        return self._files.get(
            entry.signature.folder, entry.signature.files, self._names.what(dataset, version)
        )

    def of_content(self, dataset: DatasetSpec, version: str, content: str) -> dict[str, bytes]:
        """Return the files that once stood at *version* with that *content*, whatever does now.

        Raises:
            DataError: somebody took them away.
        """
        folder = self._names.folder(dataset, version, content)
        found = self._files.all(folder)
        if not found or content_of(found) != content:
            what, remake = self._told(dataset, version)
            raise MissingError(f"{what} of that run is no longer in the stage", remake)
        return found

    def _told(self, dataset: DatasetSpec, version: str) -> tuple[str, str]:
        return self._names.what(dataset, version), self._remedies.remake(dataset, version)
