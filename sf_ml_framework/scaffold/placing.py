"""A finished project goes to its place: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.settings import FILE

UNTOUCHED = frozenset({".git"})
"""A folder that holds nothing else is as good as an empty one."""


def refuse(folder: Path, *, force: bool) -> None:
    """Refuse a *folder* in which no project should be made.

    Raises:
        OperatorError: it is a file, or holds something, or a project stands around it, and that
            was not asked for.
    """
    if folder.exists() and not folder.is_dir():
        raise OperatorError(f"{folder} is a file", remedy="name a folder that is not there yet")
    held = sorted({item.name for item in folder.iterdir()} - UNTOUCHED) if folder.is_dir() else []
    if FILE in held:
        raise OperatorError(
            f"{folder} is a project already: it has {FILE}",
            remedy=f"mlops init --update --project {folder} takes over changes of the template",
        )
    if force:
        return
    if held:
        shown = ", ".join(held[:3]) + (f" and {len(held) - 3} more" if len(held) > 3 else "")
        raise OperatorError(
            f"{folder} is not empty: it holds {shown}",
            remedy="name another folder, or add --force: files of the same names are then replaced",
        )
    for above in folder.parents:
        if (above / FILE).is_file():
            raise OperatorError(
                f"{folder} would stand inside the project {above}",
                remedy="go outside of it, or add --force if that is meant",
            )


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give a folder beside *folder* to write into; it is gone afterwards.

    Raises:
        OperatorError: nothing can be written there.
    """
    parent = folder.parent
    missing = [above for above in (parent, *parent.parents) if not above.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=parent))
    except OSError as error:
        raise OperatorError(
            f"nothing can be written into {parent}: {error.strerror or error}",
            remedy="name a folder where you may write",
        ) from error
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for above in missing:
            # What was made for a project that did not come about goes again.
            if above.is_dir() and not any(above.iterdir()):
                above.rmdir()


def place(made: Path, folder: Path, kept: Path) -> list[str]:
    """Move the files of *made* into *folder* and return their paths.

    Args:
        made: the project.
        folder: where it shall stand; files of the same paths there are replaced.
        kept: a folder on the same disk, for what is replaced until all is done.

    Raises:
        OSError, OperatorError: that is impossible; *folder* is then as it was.
    """
    paths = sorted(file.relative_to(made) for file in made.rglob("*") if file.is_file())
    if not folder.exists():
        made.rename(folder)
        return [path.as_posix() for path in paths]
    _refuse_other_kinds(paths, folder)
    moved: list[Path] = []
    made_folders: list[Path] = []
    try:
        for path in paths:
            goal = folder / path
            _make_folders(goal.parent, made_folders)
            if goal.exists() or goal.is_symlink():
                (kept / path).parent.mkdir(parents=True, exist_ok=True)
                os.replace(goal, kept / path)  # noqa: PTH105 -- also of a link, never through it
            moved.append(path)
            os.replace(made / path, goal)  # noqa: PTH105
    except BaseException:
        for path in reversed(moved):
            with suppress(OSError):
                (folder / path).unlink()
        for file in [file for file in kept.rglob("*") if file.is_file() or file.is_symlink()]:
            os.replace(file, folder / file.relative_to(kept))  # noqa: PTH105
        for each in reversed(made_folders):
            each.rmdir()
        raise
    return [path.as_posix() for path in paths]


def _refuse_other_kinds(paths: list[Path], folder: Path) -> None:
    """Refuse where a folder stands in the place of a file, or a file in that of a folder."""
    for path in paths:
        for each in (path, *path.parents):
            there = folder / each
            if there.exists() and there.is_dir() is (each == path):
                kind = "folder" if each == path else "file"
                raise OperatorError(
                    f"{there} is a {kind}, and the project needs something else there",
                    remedy="move it away, or name another folder",
                )


def _make_folders(folder: Path, made: list[Path]) -> None:
    for each in reversed([folder, *folder.parents]):
        if not each.exists():
            each.mkdir()
            made.append(each)
