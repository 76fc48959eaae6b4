"""The files that a function imports from stages, laid out for the process that runs it.

Source: Snowflake, "CREATE FUNCTION" (IMPORTS): files of a stage, found under
``snowflake_import_directory``; a file that is changed on the stage is read anew.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from ..faults import SnowflakeError
from ..rooms.stages import require_stage

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session
    from .routine import Routine


def found(account: Account, session: Session, routine: Routine) -> list[FilePath]:
    """Return the files of IMPORTS.

    Raises:
        SnowflakeError: one of them is not there, or the role may not read its stage.
    """
    files = []
    for written in routine.imports:
        require_stage(account, session, written, "READ")
        file = account.stages.locate(session, written).target
        if not file.is_file():
            raise SnowflakeError(
                f"SQL compilation error:\nRemote file '{written}' was not found. There are several "
                "potential causes. The file might not exist. The required credentials may be "
                "missing or invalid.",
                number=91016,
                state="22000",
            )
        files.append(file)
    return files


def laid_out(account: Account, session: Session, routine: Routine) -> tuple[FilePath, str]:
    """Return a folder with copies of the files, and what tells this state of them from others."""
    files = found(account, session, routine)
    state = hashlib.sha256(routine.identity.encode())
    for file in files:
        stat = file.stat()
        state.update(f"{file}{stat.st_size}{stat.st_mtime_ns}".encode())
    key = state.hexdigest()[:24]
    folder = account.files / "routines" / key
    if not folder.is_dir():
        making = folder.with_name(f".{key}-{account.stages.new_id()}")
        making.mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, making / file.name)
        try:
            making.rename(folder)
        except OSError:  # another call was quicker
            shutil.rmtree(making, ignore_errors=True)
    return folder, key
