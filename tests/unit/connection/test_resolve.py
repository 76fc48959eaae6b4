"""Where each value of a connection comes from."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sf_ml_framework import connection
from sf_ml_framework.connection import Level
from sf_ml_framework.errors import SettingsError, UnknownNameError

FLAG = {"account": "acct", "password": "pw", "connection": "ci"}


def write(file, text, mode=0o600):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home" / ".snowflake").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def environ(home):
    return {"HOME": str(home)}


@pytest.fixture
def connections_file(home):
    return home / ".snowflake" / "connections.toml"


@pytest.fixture
def config_file(home):
    return home / ".snowflake" / "config.toml"


LEVELS = list(Level)[:6]


@pytest.mark.parametrize("highest", LEVELS, ids=lambda level: level.name)
def test_of_all_places_that_say_a_value_the_first_in_order_wins(
    root, environ, connections_file, config_file, highest
):
    said = [level for level in LEVELS if level >= highest]
    flags = {"connection": "ci"}
    if Level.FLAG in said:
        flags["user"] = "FLAG"
    if Level.NAMED_VARIABLE in said:
        environ["SNOWFLAKE_CONNECTIONS_CI_USER"] = "NAMED_VARIABLE"
    if Level.VARIABLE in said:
        environ["SNOWFLAKE_USER"] = "VARIABLE"
    if Level.DOTENV in said:
        write(root / ".env", "SNOWFLAKE_USER=DOTENV\n")
    if Level.CONNECTIONS_FILE in said:
        write(connections_file, '[ci]\naccount="a"\npassword="p"\nuser="CONNECTIONS_FILE"\n')
    write(config_file, '[connections.ci]\naccount="a"\npassword="p"\nuser="CONFIG_FILE"\n')

    found = connection.resolve(root, flags, environ)

    assert found.get("user") == highest.name
    assert found.value("user").level is highest


_TEXT = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@given(
    key=st.sampled_from(["user", "role", "warehouse", "database", "schema", "account", "host"]),
    flag=_TEXT,
    named=_TEXT,
    plain=_TEXT,
    other=st.sampled_from(["ci", "prod"]),
)
@settings(max_examples=100, deadline=None)
def test_a_flag_always_wins(key, flag, named, plain, other):
    environ = {
        "SNOWFLAKE_ACCOUNT": "a",
        "SNOWFLAKE_USER": "u",
        "SNOWFLAKE_PASSWORD": "p",
        "SNOWFLAKE_DEFAULT_CONNECTION_NAME": other,
        f"SNOWFLAKE_CONNECTIONS_{other.upper()}_{key.upper()}": named,
        f"SNOWFLAKE_{key.upper()}": plain,
    }

    found = connection.resolve(None, {key: flag}, environ)

    assert found.get(key) == flag
    assert found.value(key).origin == f"--{key}"


def test_each_value_tells_its_origin(root, environ, connections_file):
    write(root / ".env", "SNOWFLAKE_ROLE=R\n")
    write(connections_file, '[ci]\naccount = "a"\nuser = "u"\npassword = "p"\n')
    environ["SNOWFLAKE_WAREHOUSE"] = "W"

    found = connection.resolve(root, {"connection": "ci", "schema": "S"}, environ)

    origins = {value.key: value.origin for value in found.values}
    assert origins["schema"] == "--schema"
    assert origins["warehouse"] == "SNOWFLAKE_WAREHOUSE of the environment"
    assert origins["role"] == f"SNOWFLAKE_ROLE of {root / '.env'}"
    assert origins["account"] == f"{connections_file} [ci]"


def test_what_lost_is_kept_as_unused(environ):
    environ |= {"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u", "SNOWFLAKE_PASSWORD": "p"}

    found = connection.resolve(None, {"user": "other"}, environ)

    assert [(value.key, value.plain) for value in found.unused] == [("user", "u")]


def test_nothing_given_is_no_connection(root, environ):
    assert connection.resolve(root, {}, environ) is None


def test_an_empty_variable_says_nothing(environ):
    environ |= {"SNOWFLAKE_ACCOUNT": "", "SNOWFLAKE_USER": ""}

    assert connection.resolve(None, {}, environ) is None


def test_the_default_connection_of_config_toml_is_found_in_connections_toml(
    environ, connections_file, config_file
):
    write(config_file, 'default_connection_name = "ci"\n[connections.ci]\naccount = "wrong"\n')
    write(connections_file, '[ci]\naccount = "right"\nuser = "u"\npassword = "p"\n')

    found = connection.resolve(None, {}, environ)

    assert (found.name, found.account) == ("ci", "right")
    assert not found.given


def test_snowflake_home_moves_the_files(tmp_path, environ):
    write(tmp_path / "elsewhere" / "connections.toml", '[default]\naccount="b"\nuser="u"\n')
    environ["SNOWFLAKE_HOME"] = str(tmp_path / "elsewhere")

    assert connection.resolve(None, {}, environ).account == "b"


def test_the_variable_with_the_whole_text_takes_the_files_place(environ, connections_file):
    write(connections_file, '[ci]\naccount = "of the file"\n')
    environ["SNOWFLAKE_CONNECTIONS"] = '[ci]\naccount = "a"\nuser = "u"\npassword = "p"\n'

    found = connection.resolve(None, {"connection": "ci"}, environ)

    assert found.account == "a"
    assert found.value("account").origin == "SNOWFLAKE_CONNECTIONS [ci]"


def test_a_temporary_connection_reads_no_file(environ, connections_file):
    write(connections_file, '[default]\naccount = "of the file"\nrole = "R"\n')
    flags = {"temporary": "yes", "account": "a", "user": "u", "password": "p"}

    found = connection.resolve(None, flags, environ)

    assert found.account == "a"
    assert found.get("role") == ""


def test_an_unknown_connection_is_told_with_the_nearest(environ, connections_file):
    write(connections_file, '[staging]\naccount = "a"\n')

    with pytest.raises(UnknownNameError) as caught:
        connection.resolve(None, {"connection": "stagin"}, environ)

    assert caught.value.remedy == "did you mean 'staging'?"


@pytest.mark.parametrize(
    ("flags", "variables", "kind"),
    [
        ({"connection": "prod"}, {}, UnknownNameError),
        ({}, {"SNOWFLAKE_DEFAULT_CONNECTION_NAME": "prod"}, SettingsError),
    ],
)
def test_where_no_connection_is_described_the_file_is_told(environ, home, flags, variables, kind):
    with pytest.raises(kind) as caught:
        connection.resolve(None, flags, environ | variables)

    file = home / ".snowflake" / "connections.toml"
    assert caught.value.remedy == f"describe it as [prod] in {file}, which has no connection yet"


def test_a_file_that_others_may_write_is_refused(environ, connections_file):
    write(connections_file, '[ci]\naccount = "a"\nuser = "u"\npassword = "p"\n', mode=0o620)

    with pytest.raises(SettingsError, match="may be changed by others") as caught:
        connection.resolve(None, {"connection": "ci"}, environ)

    assert caught.value.remedy == f'chmod 0600 "{connections_file}"'


def test_a_file_that_others_may_read_is_told(environ, connections_file):
    write(connections_file, '[ci]\naccount = "a"\nuser = "u"\npassword = "p"\n', mode=0o644)

    found = connection.resolve(None, {"connection": "ci"}, environ)

    assert found.warnings[0].startswith(f"{connections_file} may be read by others")


def test_a_broken_file_of_the_home_stops_nobody_who_asks_for_no_connection(
    root, environ, connections_file
):
    write(connections_file, "[ci\n")

    assert connection.resolve(root, {}, environ) is None
    with pytest.raises(SettingsError, match="is no TOML"):
        connection.resolve(root, {}, environ, needed=True)


def test_the_secrets_of_a_file_do_not_go_where_a_dotenv_leads(root, environ, connections_file):
    """A project that one has just cloned must not get the keys of one's own account."""
    write(connections_file, '[default]\naccount = "mine"\nuser = "u"\npassword = "secret"\n')
    write(root / ".env", "SNOWFLAKE_HOST=evil.example\n")

    with pytest.raises(SettingsError, match="nothing says how to sign in"):
        connection.resolve(root, {}, environ, needed=True)


def test_the_secrets_of_a_file_go_with_its_own_account(root, environ, connections_file):
    write(connections_file, '[default]\naccount = "mine"\nuser = "u"\npassword = "secret"\n')
    write(root / ".env", "SNOWFLAKE_ACCOUNT=MINE\nSNOWFLAKE_ROLE=R\n")

    found = connection.resolve(root, {}, environ)

    assert connection.arguments(found)["password"] == "secret"


def test_in_a_container_the_platforms_token_stands_before_the_files_of_the_image(
    root, environ, connections_file, tmp_path
):
    write(connections_file, '[default]\naccount = "baked"\nuser = "u"\npassword = "p"\n')
    write(root / ".env", "SNOWFLAKE_ACCOUNT=baked\nSNOWFLAKE_USER=u\nSNOWFLAKE_PASSWORD=p\n")
    token = write(tmp_path / "token", "t1")
    environ |= {
        "SNOWFLAKE_RUNNING_INSIDE_SPCS": "true",
        "SNOWFLAKE_ACCOUNT": "ACCT",
        "SNOWFLAKE_HOST": "internal",
        "SNOWFLAKE_TOKEN_FILE": str(token),
    }

    found = connection.resolve(root, {}, environ)

    assert found.in_container
    assert found.given
    assert connection.arguments(found) == {
        "account": "ACCT",
        "host": "internal",
        "authenticator": "OAUTH",
        "token": "t1",
    }


def test_the_containers_own_path_of_the_token_is_the_default(tmp_path):
    token = write(tmp_path / "token", "t")
    environ = {"SNOWFLAKE_HOST": "internal", "SNOWFLAKE_ACCOUNT": "A"}

    found = connection.resolve(None, {}, environ, session_token=token)

    assert found.in_container
    assert connection.arguments(found)["token"] == "t"


def test_a_key_that_is_not_known_is_told_and_not_used(environ, connections_file):
    write(
        connections_file,
        '[ci]\naccount = "a"\nuser = "u"\npassword = "p"\nacount = "b"\n[ci.session]\nx = 1\n',
    )

    found = connection.resolve(None, {"connection": "ci"}, environ)

    assert any(text.startswith("acount of") for text in found.warnings)


def test_a_connection_without_an_account_is_refused_when_it_was_asked_for(environ):
    with pytest.raises(SettingsError, match="nothing names its account"):
        connection.resolve(None, {"user": "u"}, environ)
