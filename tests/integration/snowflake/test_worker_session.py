"""A worker of a run is in the same session as the run itself: role, warehouse, database, schema."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sf_ml_framework import connection, settings, targets
from sf_ml_framework.cli.account import account_of
from sf_ml_framework.container.account import opened
from sf_ml_framework.places.snowflake.session import Account
from tests.integration.snowflake.called import Project, environ_of

WHERE = (
    "select current_role() as role, current_warehouse() as warehouse,"
    " current_database() as database, current_schema() as schema"
)


@pytest.fixture
def prefix(make_account, database) -> Iterator[str]:
    """The warehouse and the run role of the target, and others that a line may name."""
    admin = make_account()
    names = [f"{database}_{each}" for each in ("WH", "BIG_WH")]
    for name in names:
        admin.execute(f"create warehouse {name}")
    admin.execute(f"create schema {database}.OTHER")
    admin.execute(f"create role {database}_ROLE")
    admin.execute(f"grant all on database {database} to role {database}_ROLE")
    for each in (f"{database}.ML", f"{database}.OTHER"):
        admin.execute(f"grant all on schema {each} to role {database}_ROLE")
    for name in names:
        admin.execute(f"grant usage on warehouse {name} to role {database}_ROLE")
    (row,) = admin.rows("select current_user() as u")
    admin.execute(f"grant role {database}_ROLE to user {row['u']}")
    yield database
    admin.execute(f"drop role {database}_ROLE")
    for name in names:
        admin.execute(f"drop warehouse {name}")


@pytest.fixture
def project(tmp_path, prefix, connection_flags, monkeypatch, capsys) -> Project:
    """A project whose connection says no role."""
    for name, value in environ_of(connection_flags).items():
        monkeypatch.setenv(name, value)
    return Project(tmp_path, prefix, monkeypatch, capsys)


def session_of(account: Account) -> dict[str, Any]:
    (row,) = account.rows(WHERE)
    return row


def sessions(root: Path, flags: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the session of a run with these options, and that of its worker."""
    target = targets.load(settings.load(root), "dev")
    found = connection.resolve(root, flags, os.environ, needed=True)
    with closing(account_of(found, target)) as account:
        run = session_of(account)
    with opened(root, target, "worker", flags) as account:
        return run, session_of(account)


@pytest.mark.parametrize(
    ("option", "name"),
    [("warehouse", "{0}_BIG_WH"), ("schema", "OTHER"), ("role", "ACCOUNTADMIN")],
)
def test_an_option_of_the_line_holds_in_the_worker_too(project, option, name):
    wanted = name.format(project.database)

    run, worker = sessions(project.root, {option: wanted})

    assert worker[option] == wanted
    assert worker == run


def test_without_a_role_of_the_connection_both_work_as_the_target_s(project):
    run, worker = sessions(project.root, {})

    assert worker == run
    assert worker == {
        "role": f"{project.database}_ROLE",
        "warehouse": f"{project.database}_WH",
        "database": project.database,
        "schema": "ML",
    }


def test_a_role_of_the_connection_stands_before_that_of_the_target(project, monkeypatch):
    monkeypatch.setenv("SNOWFLAKE_ROLE", "ACCOUNTADMIN")

    run, worker = sessions(project.root, {})

    assert worker == run
    assert worker["role"] == "ACCOUNTADMIN"


def test_in_a_container_the_role_stays_that_of_its_token(project, emulator, monkeypatch, tmp_path):
    """It is the owner of the task, and no other can be taken."""
    token = tmp_path / "token"
    token.write_text(emulator.account.tokens.issue(user="MLOPS", role="ACCOUNTADMIN"))
    for name in ("SNOWFLAKE_USER", "SNOWFLAKE_PASSWORD"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("SNOWFLAKE_RUNNING_INSIDE_SPCS", "true")
    monkeypatch.setenv("SNOWFLAKE_TOKEN_FILE", str(token))

    run, worker = sessions(project.root, {})

    assert worker == run
    assert worker["role"] == "ACCOUNTADMIN"
    assert worker["warehouse"] == f"{project.database}_WH"
