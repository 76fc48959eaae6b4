"""A folder of one place in one process, for what is of no use to anyone after it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path

from sf_ml_framework.places.local.writing import lives

_NAME = re.compile(r"(\d+)-[0-9a-f]+")


class Scratch:
    """Makes the folder when it is first asked for, and removes it when it is closed.

    Args:
        parent: where it is to be; where nobody may write there, the system's own folder for
            temporary files takes its place.
    """

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._made: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder, which exists."""
        if self._made is None:
            self._remove_leftovers()
            wanted = self._parent / f"{os.getpid()}-{secrets.token_hex(4)}"
            try:
                wanted.mkdir(parents=True)
                self._made = wanted
            except OSError:
                self._made = Path(tempfile.mkdtemp(prefix="mlops-"))
        return self._made

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)
            self._made = None

    def _remove_leftovers(self) -> None:
        """Remove what processes left behind that were killed."""
        for path in self._parent.glob("*-*"):
            match = _NAME.fullmatch(path.name)
            if match and not lives(int(match[1])):
                shutil.rmtree(path, ignore_errors=True)
