"""What the tests of the commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A project that has not run yet, in a folder with a space and an umlaut in its name."""
    return Shop(tmp_path / "ein Büro")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project that has run once; for tests that only read."""
    made = Shop(tmp_path_factory.mktemp("ein Büro") / "shop")
    made.ok("run")
    return made
