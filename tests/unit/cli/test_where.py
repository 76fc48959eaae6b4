"""Whether a command works on this machine or in an account."""

import pytest

from sf_ml_framework.cli.where import Where, mode_of
from sf_ml_framework.errors import SettingsError, UnknownNameError

UNUSABLE = {"SNOWFLAKE_ACCOUNT": "org-acc", "SNOWFLAKE_PROTOCOL": "gopher"}
USABLE = {"SNOWFLAKE_ACCOUNT": "org-acc", "SNOWFLAKE_USER": "u", "SNOWFLAKE_PASSWORD": "p"}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("SNOWFLAKE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def environ(tmp_path):
    return {"SNOWFLAKE_HOME": str(tmp_path / "home")}


def test_without_a_connection_it_is_this_machine(root, environ):
    assert mode_of(Where(), root, {}) == "local"
    assert mode_of(Where(), root, environ) == "local"


def test_a_connection_means_the_account(root, environ):
    assert mode_of(Where(), root, environ | USABLE) == "snowflake"


@pytest.mark.parametrize("broken", [UNUSABLE, {"SNOWFLAKE_DEFAULT_CONNECTION_NAME": "nothing"}])
def test_who_says_local_is_not_stopped_by_a_connection_that_cannot_be_used(root, environ, broken):
    (root / "home").mkdir()
    (root / "home" / "connections.toml").write_text("no = [toml")

    assert mode_of(Where(mode="local"), root, environ | broken) == "local"
    assert mode_of(Where(), root, environ | broken | {"MLOPS_MODE": "local"}) == "local"
    (root / ".env").write_text("MLOPS_MODE=local\n")
    assert mode_of(Where(), root, environ | broken) == "local"


def test_local_with_options_of_a_connection_does_not_try_them(root, environ):
    flags = {"account": "org-acc", "protocol": "gopher"}

    assert mode_of(Where(mode="local", flags=flags), root, environ) == "local"
    assert mode_of(Where(flags=flags), root, environ | {"MLOPS_MODE": "local"}) == "local"


def test_an_account_that_is_meant_and_cannot_be_used_is_refused(root, environ):
    with pytest.raises(SettingsError, match="gopher"):
        mode_of(Where(), root, environ | UNUSABLE)
    with pytest.raises(SettingsError, match="gopher"):
        mode_of(Where(mode="snowflake"), root, environ | UNUSABLE)
    with pytest.raises(SettingsError, match="gopher"):
        mode_of(Where(), root, environ | UNUSABLE | {"MLOPS_MODE": "snowflake"})


def test_the_command_line_wins_over_the_environment_over_the_file(root, environ):
    (root / ".env").write_text("MLOPS_MODE=snowflake\n")

    assert mode_of(Where(), root, environ | USABLE) == "snowflake"
    assert mode_of(Where(), root, environ | USABLE | {"MLOPS_MODE": "local"}) == "local"
    said = environ | USABLE | {"MLOPS_MODE": "local"}
    assert mode_of(Where(mode="snowflake"), root, said) == "snowflake"


def test_a_mode_that_is_none_names_the_nearest(root, environ):
    with pytest.raises(SettingsError) as caught:
        mode_of(Where(), root, environ | {"MLOPS_MODE": "locl"})

    assert "local" in caught.value.remedy


def test_a_connection_that_is_named_and_unknown_is_told(root, environ):
    with pytest.raises(UnknownNameError, match="nothing"):
        mode_of(Where(flags={"connection": "nothing"}), root, environ)


def test_what_a_line_says_of_where_to_work_can_be_said_again():
    flags = {"connection": "prod", "temporary": "yes", "private_key_file": "a/b.p8"}

    assert Where().words == ()
    assert Where(mode="snowflake", target="prod", flags=flags).words == (
        "--mode=snowflake",
        "--target=prod",
        "--connection=prod",
        "--temporary-connection",
        "--private-key-file=a/b.p8",
    )
