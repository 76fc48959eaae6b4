"""How a connection signs in, and what the client is handed: golden arguments."""

from __future__ import annotations

import pickle

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sf_ml_framework import connection
from sf_ml_framework.errors import SettingsError

WHO = {"account": "org-acct", "user": "ci"}


@pytest.fixture
def key(tmp_path):
    file = tmp_path / "key.p8"
    file.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    file.chmod(0o600)
    return str(file)


@pytest.fixture
def locked(tmp_path):
    """A key in a file that is encrypted."""
    file = tmp_path / "locked.p8"
    file.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n")
    file.chmod(0o600)
    return str(file)


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text("from the file\n")
    return str(file)


def of(**flags):
    return connection.resolve(None, {**WHO, **flags}, {})


def handed(**flags):
    return connection.arguments(of(**flags))


def test_a_password_is_handed_as_it_is():
    assert handed(password="p w") == {**WHO, "password": "p w", "authenticator": "SNOWFLAKE"}


def test_a_key_pair_comes_before_token_and_password(locked):
    assert handed(private_key_file=locked, token="t", password="p", private_key_file_pwd="x") == {
        **WHO,
        "private_key_file": locked,
        "private_key_file_pwd": "x",
        "authenticator": "SNOWFLAKE_JWT",
    }


def test_a_token_alone_is_a_programmatic_one():
    assert handed(token="t", password="p") == {
        **WHO,
        "token": "t",
        "authenticator": "PROGRAMMATIC_ACCESS_TOKEN",
    }


def test_an_oauth_token_is_read_from_its_file_each_time(token, tmp_path):
    settings = of(authenticator="oauth", token_file_path=token)
    first = connection.arguments(settings)
    (tmp_path / "token").write_text("renewed")

    second = connection.arguments(settings)

    assert first == {**WHO, "token": "from the file", "authenticator": "OAUTH"}
    assert second["token"] == "renewed"


def test_workload_identity_hands_over_the_providers_token(token):
    flags = {
        "authenticator": "WORKLOAD_IDENTITY",
        "workload_identity_provider": "oidc",
        "token_file_path": token,
    }

    assert connection.arguments(connection.resolve(None, {"account": "org-acct", **flags}, {})) == {
        "account": "org-acct",
        "authenticator": "WORKLOAD_IDENTITY",
        "workload_identity_provider": "OIDC",
        "token": "from the file",
    }


def test_the_variables_that_a_pipeline_of_github_sets_are_workload_identity():
    """Source: Snowflake, "Snowflake CLI GitHub Action" (use-oidc)."""
    environ = {
        "SNOWFLAKE_ACCOUNT": "org-acct",
        "SNOWFLAKE_AUTHENTICATOR": "WORKLOAD_IDENTITY",
        "SNOWFLAKE_WORKLOAD_IDENTITY_PROVIDER": "OIDC",
        "SNOWFLAKE_AUDIENCE": "snowflakecomputing.com",
        "SNOWFLAKE_TOKEN": "jwt",
    }

    assert connection.arguments(connection.resolve(None, {}, environ)) == {
        "account": "org-acct",
        "authenticator": "WORKLOAD_IDENTITY",
        "workload_identity_provider": "OIDC",
        "token": "jwt",
    }


def test_a_key_of_the_command_line_stands_before_another_way_of_a_lower_place(key):
    environ = {"SNOWFLAKE_AUTHENTICATOR": "externalbrowser", "SNOWFLAKE_PASSWORD": "p"}

    found = connection.resolve(None, {**WHO, "private_key_file": key}, environ)

    assert connection.method_of(found) == "key pair"


def test_host_port_and_protocol_reach_another_server():
    found = handed(password="p", host="127.0.0.1", port="8085", protocol="http")

    assert (found["host"], found["port"], found["protocol"]) == ("127.0.0.1", 8085, "http")


def test_the_passphrase_is_taken_from_its_own_variable(locked):
    environ = {"SNOWFLAKE_PRIVATE_KEY_PATH": locked, "PRIVATE_KEY_PASSPHRASE": "open"}

    found = connection.arguments(connection.resolve(None, WHO, environ))

    assert (found["private_key_file"], found["private_key_file_pwd"]) == (locked, "open")


def test_a_passphrase_is_not_handed_over_with_a_key_that_needs_none(key):
    """The connector refuses one that is too many."""
    found = handed(private_key_file=key, private_key_file_pwd="x")

    assert found["private_key_file"] == key
    assert "private_key_file_pwd" not in found


@pytest.fixture(scope="module")
def pem():
    """A key as text, which needs no passphrase."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def test_a_key_that_is_given_as_text_is_read_whatever_passphrase_is_around(pem):
    with_one = handed(private_key_raw=pem, private_key_file_pwd="x")

    assert with_one == handed(private_key_raw=pem)
    assert with_one["private_key"]


def test_a_key_of_a_higher_place_stands_before_a_key_in_another_form(key, pem):
    environ = {"SNOWFLAKE_PRIVATE_KEY_RAW": pem}

    found = connection.resolve(None, {**WHO, "private_key_file": key}, environ)

    assert connection.arguments(found)["private_key_file"] == key
    assert "private_key" not in connection.arguments(found)
    assert [value.key for value in found.unused] == ["private_key_raw"]


def test_a_token_of_a_higher_place_stands_before_a_token_s_file(token):
    environ = {"SNOWFLAKE_TOKEN_FILE_PATH": token}

    found = connection.resolve(None, {**WHO, "token": "given"}, environ)

    assert connection.arguments(found)["token"] == "given"
    assert [value.key for value in found.unused] == ["token_file_path"]


@pytest.mark.parametrize(
    "said", [{"SNOWFLAKE_AUTHENTICATOR": "PROGRAMMATIC_ACCESS_TOKEN"}, {}], ids=["named", "alone"]
)
def test_in_a_container_a_token_of_the_environment_stands_before_the_platform_s(said, tmp_path):
    session = tmp_path / "session"
    session.write_text("of the platform")
    environ = {"SNOWFLAKE_RUNNING_INSIDE_SPCS": "true", "SNOWFLAKE_TOKEN": "mine", **said}

    found = connection.resolve(None, WHO, environ, session_token=session)

    assert connection.arguments(found) == {
        **WHO,
        "token": "mine",
        "authenticator": "PROGRAMMATIC_ACCESS_TOKEN",
    }


def test_in_a_container_the_platform_s_token_is_one_of_oauth_wherever_it_lies(token, tmp_path):
    environ = {"SNOWFLAKE_RUNNING_INSIDE_SPCS": "true", "SNOWFLAKE_TOKEN_FILE": token}

    found = connection.resolve(None, WHO, environ, session_token=tmp_path / "session")

    assert connection.arguments(found) == {
        "account": WHO["account"],
        "token": "from the file",
        "authenticator": "OAUTH",
    }


def test_of_two_forms_in_one_place_the_key_as_text_and_the_token_s_file_win(key, pem, token):
    keys = of(private_key_file=key, private_key_raw=pem)
    tokens = of(token="t", token_file_path=token)

    assert "private_key" in connection.arguments(keys)
    assert connection.arguments(tokens)["token"] == "from the file"
    assert (keys.unused, tokens.unused) == ((), ())


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({}, "nothing says how to sign in to account 'org-acct'"),
        ({"authenticator": "SNOWFLAKE_JWT"}, "needs private_key_file"),
        ({"authenticator": "oauth"}, "needs token"),
        ({"authenticator": "SNOWFLAKE_JTW", "password": "p"}, "cannot be 'SNOWFLAKE_JTW'"),
        ({"password": "p", "user": None}, "needs user"),
        ({"password": "p", "port": "80a"}, "no whole number"),
        ({"password": "p", "protocol": "ftp"}, "protocol cannot be"),
        ({"private_key_file": "/nowhere/key.p8"}, "cannot be read: No such file"),
        (
            {"authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": "OIDC"},
            "needs the provider's token",
        ),
        ({"workload_identity_provider": "OIDK"}, "cannot be 'OIDK'"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(flags, says):
    with pytest.raises(SettingsError, match=says) as caught:
        of(**flags)

    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", 0o600, "is encrypted"),
        ("-----BEGIN PUBLIC KEY-----\n", 0o600, "public half"),
        ("something else", 0o600, "no private key in PEM form"),
        ("-----BEGIN PRIVATE KEY-----\n", 0o666, "may be changed by others"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused(tmp_path, text, mode, says):
    file = tmp_path / "key"
    file.write_text(text)
    file.chmod(mode)

    with pytest.raises(SettingsError, match=says):
        of(private_key_file=str(file))


def test_a_missing_or_empty_token_file_is_told(tmp_path):
    missing = of(authenticator="oauth", token_file_path=str(tmp_path / "none"))
    (tmp_path / "empty").write_text("\n")
    empty = of(authenticator="oauth", token_file_path=str(tmp_path / "empty"))

    with pytest.raises(SettingsError, match="cannot be read"):
        connection.arguments(missing)
    with pytest.raises(SettingsError, match="is empty"):
        connection.arguments(empty)


CANARY = "canary-4f1b"


def test_no_form_of_the_settings_shows_a_secret(key):
    settings = of(private_key_file=key, private_key_file_pwd=CANARY, password=CANARY, token=CANARY)

    shown = [repr(settings), str(settings), repr(settings.values), f"{settings.value('token')}"]

    assert CANARY not in "".join(shown)
    assert CANARY not in "".join(value.shown for value in settings.values)
    with pytest.raises(TypeError):
        pickle.dumps(settings)
    with pytest.raises(TypeError):
        msgspec.json.encode(settings)
    with pytest.raises(ValueError, match="is a secret"):
        settings.get("password")


def test_a_text_is_masked_of_every_secret():
    settings = of(password=CANARY)

    assert settings.masked(f"login with {CANARY} failed") == "login with *** failed"
