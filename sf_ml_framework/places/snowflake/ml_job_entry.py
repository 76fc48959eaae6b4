"""The program of an ML Job's payload: unpack the project and the framework, run one node.

It is uploaded beside ``code.zip`` and run by Snowflake's launcher, on the first machine alone. It
imports nothing of ours before the archive is unpacked.
"""

from __future__ import annotations

import runpy
import sys
import tempfile
import zipfile
from pathlib import Path

ARCHIVE = "code.zip"
PROJECT, FRAMEWORK = "project", "framework"
"""Folders in the archive."""

DOOR = "sf_ml_framework.container"
"""What runs a node in every container."""


def main(arguments: list[str]) -> None:
    """Run the node that *arguments* name.

    Raises:
        SystemExit: it failed; with its exit code.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-") as name:
        # Not from the stage: each file there is a request, and what stands there is for all runs.
        with zipfile.ZipFile(Path(__file__).parent / ARCHIVE) as archive:
            archive.extractall(name)
        project = str(Path(name, PROJECT))
        sys.path[:0] = [project, str(Path(name, FRAMEWORK))]
        sys.argv = [DOOR, *arguments, "--project", project]
        try:
            runpy.run_module(DOOR, run_name="__main__")
        except SystemExit as ended:
            # The launcher does not come to its own end when a program ends itself, well or not.
            if ended.code:
                raise


if __name__ == "__main__":
    main(sys.argv[1:])
