"""One emulator for the session, or the account that MLOPS_TEST_CONNECTION names."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("snowflake.connector")
pytest.importorskip("fakesnow")

from sf_ml_framework.emulator import testing

snowflake_emulator = testing.snowflake_emulator
snowflake_connection = testing.snowflake_connection


@pytest.fixture
def database(snowflake_connection: dict[str, Any]) -> Iterator[str]:
    """A database of its own for each test, dropped afterwards."""
    import snowflake.connector

    name = f"T_{uuid.uuid4().hex[:12]}".upper()
    with contextlib.closing(snowflake.connector.connect(**snowflake_connection)) as connection:
        connection.cursor().execute(f"create database {name}")
        yield name
        connection.cursor().execute(f"drop database if exists {name}")


@pytest.fixture
def place(snowflake_connection: dict[str, Any], database: str) -> dict[str, Any]:
    """Connection arguments for that database."""
    return {**snowflake_connection, "database": database, "schema": "PUBLIC"}


@pytest.fixture
def connection(place: dict[str, Any]) -> Iterator[Any]:
    """An open connection of the official connector."""
    import snowflake.connector

    with contextlib.closing(snowflake.connector.connect(**place)) as opened:
        yield opened


@pytest.fixture
def run(connection: Any) -> Any:
    """Run one statement and return its rows."""

    def call(sql: str, *values: Any, **options: Any) -> list[tuple[Any, ...]]:
        return connection.cursor().execute(sql, *values, **options).fetchall()

    return call


@pytest.fixture
def session(place: dict[str, Any]) -> Iterator[Any]:
    """A Snowpark session."""
    from snowflake.snowpark import Session

    opened = Session.builder.configs(place).create()
    yield opened
    opened.close()


@pytest.fixture
def pool(run: Any) -> Iterator[str]:
    """A compute pool of its own for each test, dropped afterwards."""
    name = f"P_{uuid.uuid4().hex[:12]}".upper()
    run(
        f"create compute pool {name} min_nodes = 1 max_nodes = 3 instance_family = CPU_X64_XS "
        "auto_suspend_secs = 60"
    )
    yield name
    run(f"alter compute pool {name} stop all")
    # What was stopped takes a moment to end.
    for _ in range(300):
        if run(f"describe compute pool {name}")[0][5] == 0:
            break
        time.sleep(0.1)
    run(f"drop compute pool if exists {name}")


@pytest.fixture
def image(request: pytest.FixtureRequest, run: Any, database: str) -> str:
    """The reference of the image in ``images/step``; an account names its own.

    ``MLOPS_TEST_IMAGE`` is then the reference of that image, built from the folder's Dockerfile.
    """
    import os
    from pathlib import Path

    if os.environ.get(testing.ACCOUNT):
        if "MLOPS_TEST_IMAGE" not in os.environ:
            pytest.skip("MLOPS_TEST_IMAGE names no image")
        return os.environ["MLOPS_TEST_IMAGE"]
    run("create image repository images")
    reference = f"/{database}/public/images/step:1".lower()
    emulator = request.getfixturevalue("snowflake_emulator")
    emulator.add_image(reference, project=Path(__file__).parent / "images" / "step")
    return reference


@pytest.fixture
def job(pool: str, image: str) -> Any:
    """Return the text of a job that runs the test image with some arguments."""
    import json

    def text(*arguments: str, options: str = "", more: str = "", volumes: str = "") -> str:
        return f"""execute job service in compute pool {pool} {options}
            from specification $$
spec:
  containers:
  - name: main
    image: {image}
    args: {json.dumps(arguments)}
{more}
{volumes}
$$"""

    return text


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--record``, which writes the golden files of the clients' statements anew."""
    parser.addoption("--record", action="store_true", default=False, help=pytest_addoption.__doc__)
