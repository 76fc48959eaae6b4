"""In CI the target that is not named is that of the branch: for every command, and in whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from snowflake.connector import SnowflakeConnection, connect

from sf_ml_framework.cli.app import main
from sf_ml_framework.emulator import Emulator

ROOT = Path(__file__).parents[3]
IN_CI = {"CI": "true", "MLOPS_BRANCH": "main"}
"""A job on the branch of the target ``prod``; ``dev`` is the default, and is not in the account."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as found:
        yield found


@pytest.fixture(scope="module")
def call(emulator) -> Iterator[Callable[..., int]]:
    """Return what calls a command in such a job."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
        for key in ("account", "user", "password", "host", "port", "protocol"):
            patch.setenv(f"SNOWFLAKE_{key.upper()}", str(emulator.connection[key]))
        for name, value in IN_CI.items():
            patch.setenv(name, value)
        yield lambda *words: main([*words, "--project", str(ROOT)])


@pytest.fixture(scope="module")
def account(emulator, call) -> Iterator[SnowflakeConnection]:
    """A session in the account, which has what ``mlops infra sql`` tells there."""
    with redirect_stdout(StringIO()) as script:
        assert call("infra", "sql") == 0
    with connect(**emulator.connection) as connection:
        list(connection.execute_string(script.getvalue()))
        yield connection


def test_grants(call, capsys):
    capsys.readouterr()

    assert call("grants", "--format", "sql") == 0

    told = capsys.readouterr().out
    assert "MLOPS_PROD_ROLE" in told
    assert "ML_DEV" not in told


@pytest.mark.parametrize(
    "words",
    [
        ("pools", "ls"),
        ("monitor",),
        ("cost", "report", "--since", "1d"),
        ("keys", "ls"),
        ("grants", "--check", "--of", "deploy"),
    ],
    ids=lambda words: words[0],
)
def test_roles_and_marks_are_of_that_target_alone(call, account, words):
    """No statement is sent as a role of the default target, or for it."""
    cursor = account.cursor()
    cursor.execute("select current_timestamp()")
    (since,) = cursor.fetchone()

    assert call(*words) == 0

    cursor.execute("use role ACCOUNTADMIN")
    cursor.execute("use database ML_PROD")
    cursor.execute(
        "select distinct query_tag, role_name"
        " from table(information_schema.query_history(result_limit => 10000))"
        " where query_tag != '' and start_time >= %s",
        (since,),
    )
    found = cursor.fetchall()
    assert {tag for tag, _ in found} == {"mlops:prod"}
    assert {role for _, role in found} <= {
        "ACCOUNTADMIN", "MLOPS_PROD_ROLE", "MLOPS_PROD_DEPLOY_ROLE", "MLOPS_PROD_READ_ROLE",
    }  # fmt: skip
