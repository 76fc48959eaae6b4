"""Files that a person asked for by name: written whole, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from sf_ml_framework.errors import OperatorError


def write_text(file: Path, text: str, *, mode: int = 0o666) -> None:
    """Write *text* to *file* as UTF-8, and make the folders above it.

    Args:
        file: is replaced whole.
        text: what it will hold.
        mode: who may read and write it, less what the process's mask takes away.

    Raises:
        OperatorError: that is impossible; what stood there before still stands.
    """
    temporary = file.with_name(f".{file.name}.{uuid4().hex[:8]}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # The mode holds from the first byte on.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OperatorError(
            f"{file} cannot be written: {error.strerror or error}",
            remedy="name a file in a folder where you may write",
        ) from error
