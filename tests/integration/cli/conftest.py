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


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A project in which one server runs, in memory and with control over its clock."""
    shop = Shop(tmp_path_factory.mktemp("ein Büro") / "shop")
    try:
        started = shop.ok(
            "emulator",
            "start",
            "--in-memory",
            "--control",
            "--write-connection",
            "--format",
            "json",
        )
        yield shop, started.json
    finally:
        shop.call("emulator", "stop")


@pytest.fixture
def idle(tmp_path):
    """A project in which no server runs; whatever a test starts is stopped."""
    shop = Shop(tmp_path / "shop")
    yield shop
    shop.call("emulator", "stop")
