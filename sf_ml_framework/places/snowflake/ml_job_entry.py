"""The program of an ML Job's payload: unpack the project and the framework, run one node.

It is uploaded beside ``code.zip`` and run by Snowflake's launcher, on the first machine alone. It
imports nothing of ours before the archive is unpacked.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

ARCHIVE = "code.zip"
PROJECT, FRAMEWORK = "project", "framework"
"""Folders in the archive."""


def main(arguments: list[str]) -> int:
    """Run the node that *arguments* name and return the exit code."""
    # Not from the stage: each file there is a request, and what stands there is for all runs.
    folder = Path(tempfile.mkdtemp(prefix="mlops-"))
    with zipfile.ZipFile(Path(__file__).parent / ARCHIVE) as archive:
        archive.extractall(folder)
    sys.path[:0] = [str(folder / PROJECT), str(folder / FRAMEWORK)]
    from sf_ml_framework.container import main as run

    return run([*arguments, "--project", str(folder / PROJECT)])


if __name__ == "__main__":
    # The launcher takes the end of this program for a success, and its exit code for a failure.
    code = main(sys.argv[1:])
    if code:
        raise SystemExit(code)
