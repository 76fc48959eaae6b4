"""Fixtures for your own tests: ``pytest_plugins = ["sf_ml_framework.emulator.testing"]``.

``snowflake_emulator`` is one emulator for the whole test session, whose record is a file of the
session's temporary folder; ``snowflake_connection`` the arguments that
``snowflake.connector.connect`` and Snowpark take. Where the environment names an account in
``MLOPS_TEST_CONNECTION`` (a name in ``connections.toml``), the arguments are that account's, and no
emulator is started: the same tests run against either. Define ``snowflake_emulator_password`` of
your own for another password.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .server import Emulator

ACCOUNT = "MLOPS_TEST_CONNECTION"
"""The environment variable that names a real account's connection."""


@pytest.fixture(scope="session")
def snowflake_emulator_password() -> str:
    """The password of the emulator's user."""
    return "mlops"


@pytest.fixture(scope="session")
def snowflake_emulator(
    snowflake_emulator_password: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Emulator]:
    """One emulator, in this process, for all tests."""
    from .server import Emulator

    record = tmp_path_factory.mktemp("emulator") / "record.jsonl"
    # Else each login asks for cloud metadata servers, by names that may take seconds to fail.
    with (
        pytest.MonkeyPatch.context() as patch,
        Emulator(password=snowflake_emulator_password, record=record) as emulator,
    ):
        patch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
        yield emulator


@pytest.fixture(scope="session")
def snowflake_connection(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Arguments that open a connection, with time-outs."""
    if name := os.environ.get(ACCOUNT):
        return {"connection_name": name, "network_timeout": 120, "login_timeout": 60}
    emulator: Emulator = request.getfixturevalue("snowflake_emulator")
    return emulator.connection
