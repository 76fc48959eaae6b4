"""A small project in a folder of its own, and what it takes to run it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.run.running import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A folder into which a test writes nodes; the folder's name has a space and an umlaut."""
    root = tmp_path / "ein Projekt für Tests"
    root.mkdir()
    made = Project(root)
    yield made
    made.close()
