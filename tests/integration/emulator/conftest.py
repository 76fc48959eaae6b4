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
