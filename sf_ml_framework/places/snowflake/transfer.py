"""Files to and from a stage: the statements, and the names on both sides.

Source: Snowflake, "PUT", "GET": a path with special characters stands in single quotes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sf_ml_framework.errors import DataError

NO_SUCH_FILE = 253006
"""What the connector answers to a GET of nothing. Source: connector 4.8, ``errorcode.py``."""


def literal(text: str) -> str:
    """Return *text* as a string of SQL.

    Raises:
        ValueError: it holds what no path has, a line end or a null.
    """
    if any(letter in text for letter in "\0\r\n"):
        raise ValueError(f"{text!r} cannot be a path")
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def put(file: Path, folder: str) -> str:
    """Return the statement that puts *file* into a folder of a stage."""
    return (
        f"PUT {literal(f'file://{file.as_posix()}')} {literal(at(folder))}"
        " AUTO_COMPRESS = FALSE OVERWRITE = TRUE"
    )


def get(stage_path: str, folder: Path) -> str:
    """Return the statement that gets a file of a stage into *folder*."""
    return f"GET {literal(at(stage_path))} {literal(f'file://{folder.resolve().as_posix()}/')}"


def at(stage_path: str) -> str:
    """Return a stage's path with its ``@``."""
    return stage_path if stage_path.startswith("@") else f"@{stage_path}"


@contextmanager
def named_for(file: Path, stage_path: str) -> Iterator[tuple[Path, str]]:
    """Yield a file that has the name it shall have on the stage, and the folder there.

    PUT keeps a file's name; where another is wanted, a link has it.

    Raises:
        DataError: there is no such file.
    """
    if not file.is_file():
        raise DataError(f"{file} is no file, and cannot be uploaded", remedy="check the path")
    folder, _, name = stage_path.rpartition("/")
    if not name or name == file.name:
        yield file.resolve(), f"{folder}/"
        return
    with tempfile.TemporaryDirectory(prefix="mlops-upload-") as temporary:
        link = Path(temporary) / name
        link.symlink_to(file.resolve())
        yield link, f"{folder}/"
