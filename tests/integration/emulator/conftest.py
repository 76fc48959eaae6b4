"""One emulator for the session, or the account that MLOPS_TEST_CONNECTION names."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("snowflake.connector")
pytest.importorskip("fakesnow")

from sf_ml_framework.emulator import testing
from tests.waiting import until

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
def refused(run: Any) -> Any:
    """Return what runs a statement that must fail, and gives the error."""
    from snowflake.connector.errors import Error

    def call(sql: str) -> Error:
        with pytest.raises(Error) as caught:
            run(sql)
        return caught.value

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
    until(lambda: run(f"describe compute pool {name}")[0][5] == 0)
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


@pytest.fixture
def ended(connection: Any) -> Any:
    """Wait until a graph has ended so many times and return the last run's row."""

    from snowflake.connector import DictCursor

    def call(root: str, times: int = 1) -> dict[str, Any]:
        query = (
            "select * from table(information_schema.complete_task_graphs("
            f"root_task_name => '{root}')) where database_name = current_database()"
        )

        def enough():
            rows = connection.cursor(DictCursor).execute(query).fetchall()
            return rows if len(rows) >= times else None

        return until(enough, f"{root} did not end")[0]

    return call


@pytest.fixture
def runs(run: Any) -> Any:
    """Return (name, state, attempt) of every task run that ended, oldest first."""

    def call() -> list[tuple[Any, ...]]:
        return run(
            "select name, state, attempt_number from table(information_schema.task_history("
            "result_limit => 1000)) where state != 'SCHEDULED' and database_name = "
            "current_database() order by query_start_time nulls last, name"
        )

    return call


@pytest.fixture
def graph(run: Any) -> Iterator[None]:
    """ROOT (no schedule) -> A -> B, all resumed; ROOT has a configuration."""
    run("""create task root config = '{"depth": {"a": 1, "b": 2}}' as select 1""")
    run("create task a after root as select 1")
    run("create task b after a as select 1")
    run("select system$task_dependents_enable('root')")
    yield
    run("alter task if exists root suspend")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--record``, which writes the golden files of the clients' statements anew."""
    parser.addoption("--record", action="store_true", default=False, help=pytest_addoption.__doc__)
