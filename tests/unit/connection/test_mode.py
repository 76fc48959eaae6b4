"""Whether a command works on this machine or in an account."""

from __future__ import annotations

from pathlib import Path

import pytest

from sf_ml_framework import connection
from sf_ml_framework.errors import SettingsError, UsageError

CONFIG = Path(__file__).parents[3] / "config.env"
ENV = {"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u", "SNOWFLAKE_PASSWORD": "p"}


def mode_of(root, environ, flag=""):
    return connection.mode(connection.resolve(root, {}, environ), environ, flag, root)


def test_no_connection_is_local(tmp_path):
    assert mode_of(tmp_path, {}) == "local"


def test_the_template_as_it_is_copied_is_local(tmp_path):
    (tmp_path / ".env").write_text(CONFIG.read_text())

    assert mode_of(tmp_path, {}) == "local"


def test_a_dotenv_with_an_account_is_snowflake(tmp_path):
    (tmp_path / ".env").write_text("".join(f"{key}={value}\n" for key, value in ENV.items()))

    assert mode_of(tmp_path, {}) == "snowflake"


def test_an_environment_with_an_account_is_snowflake(tmp_path):
    assert mode_of(tmp_path, ENV) == "snowflake"


def test_the_template_with_its_comments_taken_away_is_snowflake(tmp_path):
    """Every line of it is one that can be used."""
    key = tmp_path / "rsa_key.p8"
    key.write_text("-----BEGIN PRIVATE KEY-----\n")
    key.chmod(0o600)
    lines = []
    for line in CONFIG.read_text().splitlines():
        bare = line.removeprefix("# ")
        lines.append(bare if bare.startswith("SNOWFLAKE_") else line)
    text = "\n".join(lines).replace("/path/to/rsa_key.p8", str(key))
    (tmp_path / ".env").write_text(text)

    found = connection.resolve(tmp_path, {}, {})

    assert connection.mode(found, {}, "", tmp_path) == "snowflake"
    assert connection.method_of(found) == "key pair"


def test_a_connection_of_the_home_directory_alone_is_local(tmp_path):
    """Who uses Snowflake's command elsewhere must not find a laptop's run in an account."""
    file = tmp_path / ".snowflake" / "connections.toml"
    file.parent.mkdir()
    file.write_text('[default]\naccount = "a"\nuser = "u"\npassword = "p"\n')
    file.chmod(0o600)

    assert mode_of(tmp_path, {"HOME": str(tmp_path)}) == "local"


def test_a_container_is_snowflake(tmp_path):
    token = tmp_path / "token"
    token.write_text("t")
    inside = {
        "SNOWFLAKE_RUNNING_INSIDE_SPCS": "true",
        "SNOWFLAKE_TOKEN_FILE": str(token),
        "SNOWFLAKE_ACCOUNT": "a",
        "SNOWFLAKE_HOST": "h",
    }

    assert mode_of(tmp_path, inside) == "snowflake"


@pytest.mark.parametrize("flag", ["local", "snowflake"])
@pytest.mark.parametrize("environ", [{}, ENV, {"MLOPS_MODE": "local"}, {"MLOPS_MODE": "snowflake"}])
def test_the_flag_wins_over_everything(tmp_path, flag, environ):
    assert mode_of(tmp_path, environ, flag) == flag


@pytest.mark.parametrize("said", ["local", "snowflake"])
def test_the_variable_wins_over_the_connection(tmp_path, said):
    assert mode_of(tmp_path, {**ENV, "MLOPS_MODE": said}) == said
    assert mode_of(tmp_path, {"MLOPS_MODE": said}) == said


def test_the_variable_of_the_dotenv_is_read_after_the_environment(tmp_path):
    (tmp_path / ".env").write_text("MLOPS_MODE=snowflake\n")

    assert mode_of(tmp_path, {}) == "snowflake"
    assert mode_of(tmp_path, {"MLOPS_MODE": "local"}) == "local"


def test_another_mode_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UsageError) as caught:
        mode_of(tmp_path, {}, "snowflak")
    with pytest.raises(SettingsError):
        mode_of(tmp_path, {"MLOPS_MODE": "cloud"})

    assert caught.value.remedy == "did you mean 'snowflake'?"
