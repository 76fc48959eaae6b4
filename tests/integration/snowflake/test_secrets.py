"""``mlops secrets``: values go in, and are nowhere to be seen."""

from __future__ import annotations

import logging
import os
import re
from typing import Any

import pytest

from tests.integration.snowflake.called import Project, environ_of
from tests.integration.typing_person import Terminal


@pytest.fixture
def project(tmp_path, database, connection_flags, monkeypatch, capsys) -> Project:
    for key, value in environ_of(connection_flags).items():
        monkeypatch.setenv(key, value)
    return Project(tmp_path, database, monkeypatch, capsys)


@pytest.fixture
def run_role(project, make_account):
    """The role that tasks of the target run as."""
    role = f"{project.database}_ROLE"
    account = make_account(role="ACCOUNTADMIN")
    account.execute(f"create role {role}")
    yield role
    account.execute(f"drop role {role}")


@pytest.fixture
def value(canary) -> str:
    """A value that is looked for everywhere, with what SQL must escape around it."""
    return f"it's\\{canary('value')}"


def value_of(emulator: Any, secret: str) -> dict[str, str]:
    """Return what a container would find: the emulator alone can tell."""
    from sf_ml_framework.emulator.names import Path

    return dict(emulator.account.catalog.get("SECRET", Path(*secret.split("."))).properties)


def traces(emulator: Any, value: str) -> list[str]:
    """Return the lines of the emulator's record and history that have the value."""
    core = value[-32:]
    seen = [str(line) for line in emulator.account.record.lines]
    seen += [query.text for query in emulator.account.queries.all()]
    return [line for line in seen if core in line]


def test_a_value_from_standard_input_arrives_and_is_nowhere_to_be_seen(
    project, run_role, emulator, value, caplog
):
    secret = f"{project.database}.ML.MAPS_KEY"
    with caplog.at_level(logging.DEBUG):
        made = project.works(
            "secrets", "set", "maps_key", "--verify", "--debug", stdin=value + "\n"
        )

    assert f"made secret {secret}" in made.out
    assert f"{run_role} may read it for load" in made.out
    assert "history does not show the value" in made.out
    assert value_of(emulator, secret)["secret_string"] == value
    core = value[-32:]
    assert core not in made.all
    assert core not in caplog.text
    assert traces(emulator, value) == []


def test_a_value_is_typed_twice_and_unseen(project, emulator, value):
    terminal = Terminal(project.root, "secrets", "set", "maps_key", env=dict(os.environ))

    terminal.sees("value of")
    terminal.types(value + "\n")
    terminal.sees("Repeat")
    terminal.types("something else\n")
    terminal.sees("do not match")
    for asked in ("value of", "Repeat"):
        terminal.sees(asked)
        terminal.types(value + "\n")

    assert terminal.ends() == 0, terminal.whole
    assert "made secret" in terminal.screen
    assert value[-32:] not in terminal.whole
    assert "something else" not in terminal.whole
    assert value_of(emulator, f"{project.database}.ML.MAPS_KEY")["secret_string"] == value


def test_ctrl_c_at_the_prompt_makes_nothing(project, emulator):
    terminal = Terminal(project.root, "secrets", "set", "maps_key", env=dict(os.environ))

    terminal.sees("value of")
    terminal.types("half\x03")

    assert terminal.ends() == 130
    assert "half" not in terminal.whole
    assert "Traceback" not in terminal.whole
    assert project.works("secrets", "ls", "--format", "json").json[0]["state"] == "missing"


def test_setting_it_again_changes_the_value_and_keeps_who_may_read(
    project, run_role, emulator, value
):
    secret = f"{project.database}.ML.MAPS_KEY"
    project.works("secrets", "set", "maps_key", stdin="first")

    changed = project.works("secrets", "set", "maps_key", stdin=value)
    (row,) = project.works("secrets", "ls", "--format", "json").json

    assert f"changed secret {secret}" in changed.out
    assert value_of(emulator, secret)["secret_string"] == value
    assert (row["name"], row["state"], row["type"]) == ("maps_key", "there", "GENERIC_STRING")
    assert row["nodes"] == ["load"]
    assert row["readers"] == ["ACCOUNTADMIN", run_role]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["changed"])
    assert value not in str(row)


def test_a_password_has_a_user_and_comes_from_a_file(project, emulator, value, tmp_path, may_hold):
    file = may_hold(tmp_path / "password.txt")
    file.write_text(value + "\n", encoding="utf-8")
    file.chmod(0o600)

    project.works(
        "secrets", "set", "login", "--type", "password", "--username", "me", "--file", str(file)
    )

    found = value_of(emulator, f"{project.database}.ML.LOGIN")
    assert (found["username"], found["password"]) == ("me", value)


def test_what_is_asked_for_and_missing_is_told_and_what_nobody_asks_for_too(project):
    project.works("secrets", "set", "other", stdin="x")

    table = project.works("secrets", "ls").out
    rows = {row["name"]: row for row in project.works("secrets", "ls", "--format", "json").json}

    assert re.search(r"^maps_key +missing", table, re.MULTILINE)
    assert (rows["maps_key"]["state"], rows["maps_key"]["nodes"]) == ("missing", ["load"])
    assert (rows["other"]["state"], rows["other"]["nodes"]) == ("there", [])


def test_a_role_that_does_not_stand_yet_is_granted_nothing_and_the_secret_stands(project, emulator):
    made = project.works("secrets", "set", "maps_key", stdin="x")

    assert made.out == f"made secret {project.database}.ML.MAPS_KEY\n"
    assert "mlops infra apply --target dev grants it" in made.err


def test_the_target_says_where_a_secret_stands(project, emulator):
    project.declares("    secrets: {maps_key: KEYS_OF_ALL}\n")

    told = project.works("secrets", "set", "maps_key", stdin="x").out

    assert told == f"made secret {project.database}.ML.KEYS_OF_ALL\n"


@pytest.mark.parametrize(
    ("words", "stdin", "code", "told"),
    [
        (["maps_key", "{canary}"], "", 2, "no place on the command line"),
        (["maps_key={canary}"], "", 2, "no name of a secret"),
        (["maps_key"], "", 2, "holds nothing"),
        (["maps_key"], "\n", 2, "holds nothing"),
        (["maps_key"], "{canary}\0", 2, "holds a NUL"),
        (["maps_key"], b"\xff\xfe", 2, "no UTF-8"),
        (["maps_key"], "x" * 300_000, 2, "300,000 bytes"),
        (["maps_key", "--type", "PASSWORD"], "{canary}", 2, "needs --username"),
        (["maps_key", "--username", "me"], "{canary}", 2, "takes no --username"),
        (["maps_key", "--file", "nowhere.txt"], "{canary}", 3, "cannot be read"),
    ],
)
def test_what_cannot_be_a_secret_is_refused_and_not_repeated(
    project, value, words, stdin, code, told
):
    stdin = stdin.replace("{canary}", value) if isinstance(stdin, str) else stdin

    ended = project.call("secrets", "set", *(w.format(canary=value) for w in words), stdin=stdin)

    assert (ended.code, told in ended.err) == (code, True), ended.err
    assert value[-32:] not in ended.all


def test_a_refused_statement_does_not_tell_the_value(project, emulator, value, caplog):
    project.declares("    secrets: {maps_key: NOWHERE.AT_ALL.MAPS}\n")

    with caplog.at_level(logging.DEBUG):
        ended = project.call("secrets", "set", "maps_key", "--debug", stdin=value)

    assert ended.code == 3
    assert value[-32:] not in ended.all + caplog.text
    assert traces(emulator, value) == []


def test_another_type_is_not_put_over_a_secret(project, value):
    project.works("secrets", "set", "maps_key", stdin="x")

    ended = project.call(
        "secrets", "set", "maps_key", "--type", "PASSWORD", "--username", "me", stdin=value
    )

    assert ended.code == 3
    assert "stands as GENERIC_STRING" in ended.err


def test_a_file_that_others_may_change_is_not_read(project, tmp_path, value, may_hold):
    file = may_hold(tmp_path / "value.txt")
    file.write_text(value, encoding="utf-8")
    file.chmod(0o666)

    ended = project.call("secrets", "set", "maps_key", "--file", str(file))

    assert ended.code == 3
    assert "may be changed by others" in ended.err


def test_a_dropped_secret_is_gone_and_one_that_is_not_there_is_no_success(project):
    project.works("secrets", "set", "maps_key", stdin="x")

    asked = project.call("secrets", "rm", "maps_key")
    gone = project.works("secrets", "rm", "maps_key", "--yes")
    again = project.call("secrets", "rm", "maps_key", "--yes")

    assert (asked.code, "nobody is here to be asked" in asked.err) == (3, True)
    assert "dropped secret" in gone.out
    assert "load asks for it" in gone.err
    assert (again.code, "there is no secret" in again.err) == (3, True)


def test_a_role_that_may_not_look_says_so_and_names_no_secret_missing(project, make_account):
    role = f"{project.database}_BLIND"
    account = make_account(role="ACCOUNTADMIN")
    account.execute(f"create role {role}")
    account.execute(f"grant role {role} to role ACCOUNTADMIN")
    try:
        (row,) = project.works("secrets", "ls", "--role", role, "--format", "json").json
    finally:
        account.execute(f"drop role {role}")

    assert (row["state"], row["readers"]) == ("not seen", [])
