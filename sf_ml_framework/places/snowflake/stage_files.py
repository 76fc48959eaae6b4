"""Files of one version in the stage: put there whole, found again unread, and fetched.

A folder is named for the content of its files. So a new version never touches the files of an old
one, the row in MLOPS_DATASETS says at once which of them stands, and what an earlier run reported
can still be read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sf_ml_framework.errors import DataError
from sf_ml_framework.places.snowflake.errors import AbsentError
from sf_ml_framework.places.snowflake.ledger import StagedFile
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.transfer import literal

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account


class StageFiles:
    """Puts, lists and gets files.

    Args:
        account: the connection.
        names: which stage.
    """

    def __init__(self, account: Account, names: Names) -> None:
        self._account = account
        self._names = names

    def put(self, folder: str, files: Mapping[str, bytes]) -> tuple[StagedFile, ...]:
        """Put *files* into *folder* over what is there, and return what the stage tells of them.

        Raises:
            OperatorError: the stage does not stand, or may not be written.
        """
        with tempfile.TemporaryDirectory(prefix="mlops-files-") as here:
            for name, data in files.items():
                file = Path(here, name)
                file.write_bytes(data)
                self._account.upload(file, f"{self._names.staged(folder)}/")
        listed = self._listed(folder)
        return tuple(
            StagedFile(name, *listed[name], sha256(data).hexdigest())
            for name, data in sorted(files.items())
        )

    def get(self, folder: str, files: Sequence[StagedFile], what: str) -> dict[str, bytes]:
        """Return the bytes of *files*.

        Raises:
            DataError: one is not what was put there.
        """
        found = {}
        with tempfile.TemporaryDirectory(prefix="mlops-files-") as here:
            for file in files:
                path = f"{self._names.staged(folder)}/{file.name}"
                found[file.name] = self._account.download(path, Path(here)).read_bytes()
        for file in files:
            if sha256(found[file.name]).hexdigest() != file.sha256:
                raise DataError(
                    f"{what}: {file.name} has other bytes than were written",
                    remedy="run the node that makes it again",
                )
        return found

    def all(self, folder: str) -> dict[str, bytes]:
        """Return the bytes of every file in *folder*; nothing where there is none."""
        found = {}
        with tempfile.TemporaryDirectory(prefix="mlops-files-") as here:
            for name in self._listed(folder):
                path = f"{self._names.staged(folder)}/{name}"
                found[name] = self._account.download(path, Path(here)).read_bytes()
        return found

    def why_not_whole(self, folder: str, files: Sequence[StagedFile]) -> str:
        """Return in what the stage differs from *files*; empty when it does not."""
        listed = self._listed(folder)
        for file in files:
            if file.name not in listed:
                return f"{file.name} is missing"
            size, md5 = listed[file.name]
            if size != file.bytes:
                return f"{file.name} has {size:,} bytes, and {file.bytes:,} were written"
            if md5 != file.md5:
                return f"{file.name} has other bytes than were written"
        return ""

    def _listed(self, folder: str) -> dict[str, tuple[int, str]]:
        """Return size and MD5 of each file in *folder*, as the stage keeps them."""
        try:
            rows = self._account.rows(f"LIST {literal(self._names.staged(folder) + '/')}")
        except AbsentError as error:
            raise AbsentError(
                f"stage {self._names.shown(self._names.stage)} is not there, or may not be read",
                remedy=f"`mlops deploy` creates it; {error.remedy}",
            ) from error
        return {
            str(row["name"]).rpartition("/")[2]: (int(row["size"]), str(row["md5"])) for row in rows
        }


def content_of(files: Mapping[str, bytes]) -> str:
    """Return the hash that stands for *files*: their names and bytes."""
    named = sorted((name, sha256(data).hexdigest()) for name, data in files.items())
    return sha256(msgspec.json.encode(named)).hexdigest()
