"""Stage files: where a stage's files are on disk, and who may reach them by URL.

Source: Snowflake, "Overview of data loading" (``@~``, ``@%table``, named stages).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from .faults import SnowflakeError, not_found
from .names import Path, parts_of

if TYPE_CHECKING:
    from .account import Account
    from .session import Session


@dataclass(frozen=True, slots=True)
class StageFile:
    """One file; *name* is as LIST shows it, with the stage's name before it."""

    name: str
    path: FilePath
    size: int
    modified: datetime

    @property
    def md5(self) -> str:
        """The MD5 of the content."""
        return hashlib.md5(self.path.read_bytes(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Location:
    """``@stage/path`` resolved: the stage's directory, the name LIST shows, the path inside."""

    folder: FilePath
    label: str
    inside: str

    @property
    def target(self) -> FilePath:
        """The file or directory that the path names."""
        return self.folder / self.inside if self.inside else self.folder


class Stages:
    """Finds stages on disk. ``schemes`` is for rooms with their own, such as ``snow://model``."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._root = account.files / "stages"
        self._signed: dict[str, tuple[FilePath, datetime]] = {}
        self.schemes: dict[str, Any] = {}
        """``schemes["model"] = f``: ``f(session, rest_of_url) -> Location``."""

    def folder(self, path: Path) -> FilePath:
        """Return the directory of a named stage; it is made when it is not there."""
        entry = self._account.catalog.get("STAGE", path)
        return self._made(f"stage-{entry.properties['id']}")

    def _made(self, name: str) -> FilePath:
        folder = self._root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def new_id(self) -> str:
        """Return the id of a new stage's directory."""
        return secrets.token_hex(8)

    def locate(self, session: Session, written: str) -> Location:
        """Resolve ``@stage/path``, ``@~/path``, ``@%table/path`` or ``snow://...``.

        Raises:
            SnowflakeError: there is no such stage, or the path leaves it.
        """
        if written.lower().startswith("snow://"):
            scheme, _, rest = written[len("snow://") :].partition("/")
            if scheme.lower() not in self.schemes:
                raise not_found("STAGE", written)
            found = self.schemes[scheme.lower()](session, rest)
            if not isinstance(found, Location):
                raise not_found("STAGE", written)
            return found
        if not written.startswith("@"):
            raise SnowflakeError(
                f"SQL compilation error:\ninvalid stage location '{written}'",
                number=1001,
                state="22023",
            )
        name, _, inside = _cut(written[1:])
        inside = inside.strip("/")
        if ".." in inside.split("/"):
            raise SnowflakeError(f"invalid path '{inside}'", number=1001, state="22023")
        if name == "~":
            return Location(self._made(f"user-{session.user.encode().hex()}"), "", inside)
        if "%" in name:
            table = session.resolve(parts_of(name.replace("%", "", 1)))
            return Location(self._made(f"table-{str(table).encode().hex()}"), "", inside)
        path = session.resolve(parts_of(name))
        return Location(self.folder(path), path.name.lower(), inside)

    def files(self, location: Location) -> list[StageFile]:
        """Return the files whose path starts with the location's, as Snowflake matches prefixes."""
        found = []
        for file in sorted(location.folder.rglob("*")):
            inside = file.relative_to(location.folder).as_posix()
            if not file.is_file() or not inside.startswith(location.inside):
                continue
            stat = file.stat()
            name = f"{location.label}/{inside}" if location.label else inside
            modified = datetime.fromtimestamp(stat.st_mtime, UTC)
            found.append(StageFile(name, file, stat.st_size, modified))
        return found

    def drop(self, stage_id: str) -> None:
        """Remove the files of a stage."""
        shutil.rmtree(self._root / f"stage-{stage_id}", ignore_errors=True)

    def by_id(self, stage_id: str) -> FilePath:
        """Return the directory of a stage with this id, which may not stand."""
        return self._root / f"stage-{stage_id}"

    def bury(self, stage_id: str, *, forever: bool = False) -> None:
        """Put a stage's files aside, for UNDROP; or remove what was put aside."""
        kept = self._root / f"kept-{stage_id}"
        if forever:
            shutil.rmtree(kept, ignore_errors=True)
        elif (folder := self._root / f"stage-{stage_id}").is_dir():
            folder.rename(kept)

    def unbury(self, properties: str) -> None:
        """Bring back the files of a stage with these properties, which are JSON."""
        stage_id = json.loads(properties)["id"]
        kept = self._root / f"kept-{stage_id}"
        if kept.is_dir():
            kept.rename(self._root / f"stage-{stage_id}")

    def forget(self, session: Session) -> None:
        """Drop the temporary stages and file formats of a session."""
        for kind, path in list(session.temporary):
            if kind == "STAGE" and (entry := self._account.catalog.find("STAGE", path)):
                self.drop(str(entry.properties["id"]))
            if kind in {"STAGE", "FILE FORMAT"}:
                self._account.catalog.drop(kind, path)

    def sign(self, file: FilePath, seconds: float) -> str:
        """Return a URL that reads or writes *file* for so many seconds."""
        token = secrets.token_urlsafe(24)
        self._signed[token] = (file, self._account.clock.now() + timedelta(seconds=seconds))
        return f"{self._account.address}/files/{token}/{file.name}"

    def signed(self, token: str, name: str) -> FilePath | None:
        """Return the file of a presigned URL, or None when it is unknown or expired."""
        found = self._signed.get(token)
        if found is None or found[1] <= self._account.clock.now() or found[0].name != name:
            return None
        return found[0]


def _cut(text: str) -> tuple[str, str, str]:
    """Split a stage reference at the first slash outside quotes."""
    inside = False
    for index, letter in enumerate(text):
        if letter == '"':
            inside = not inside
        if letter == "/" and not inside:
            return text[:index], "/", text[index + 1 :]
    return text, "", ""
