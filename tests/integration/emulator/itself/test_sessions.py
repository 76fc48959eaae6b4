"""Sessions and tokens as time passes, and what no client sends: an emulator of its own."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from snowflake.connector import connect
from snowflake.connector.errors import DatabaseError

from sf_ml_framework.emulator import Emulator


@pytest.fixture
def emulator():
    with Emulator() as started:
        yield started


@pytest.fixture
def connection(emulator):
    with contextlib.closing(connect(**emulator.connection)) as opened:
        yield opened


def test_the_policy_of_the_account_is_for_who_has_none(emulator, connection, canary):
    """Source: Snowflake, "Controlling network traffic with network policies"."""
    run, word = connection.cursor().execute, canary("password")
    run("create network policy here allowed_ip_list = ('127.0.0.0/8')")
    run("create network policy away allowed_ip_list = ('127.0.0.0/8')")
    for name, more in (("bare", ""), ("held", "network_policy = here")):
        run(f"create user {name} password = '{word}' must_change_password = false {more}")
    run("alter account set network_policy = away")
    run("alter network policy away set allowed_ip_list = ('192.0.2.0/24')")
    arguments = {**emulator.connection, "password": word, "role": "PUBLIC"}

    with pytest.raises(DatabaseError) as caught:
        connect(**{**arguments, "user": "bare"})
    assert caught.value.errno == 390422
    connect(**{**arguments, "user": "held"}).close()


def test_an_expired_session_is_renewed_by_the_client(emulator, connection):
    before = connection.rest.token
    emulator.account.clock.advance(3700)

    assert connection.cursor().execute("select 1").fetchall() == [(1,)]
    assert connection.rest.token != before


def _served(emulator, connection):
    """Return the server's side of a connection."""
    return next(
        one for one in emulator.account.sessions.values() if one.token == connection.rest.token
    )


def test_a_session_that_slept_too_long_must_log_in_again(emulator, connection):
    """The master token is good for four hours. Source: connector, ``masterValidityInSeconds``."""
    session = _served(emulator, connection)
    assert session.master_expires > datetime.now(UTC) + timedelta(hours=3)
    session.token_expires = session.master_expires = datetime.now(UTC)

    with pytest.raises(DatabaseError) as caught:
        connection.cursor().execute("select 1")

    assert caught.value.errno == 390114


def test_a_heartbeat_keeps_a_session_alive(emulator, connection):
    """Source: Snowflake, "Parameters" (CLIENT_SESSION_KEEP_ALIVE)."""
    session = _served(emulator, connection)
    session.master_expires = datetime.now(UTC)

    connection._heartbeat_tick()
    session.token_expires = datetime.now(UTC)

    assert connection.cursor().execute("select 1").fetchall() == [(1,)]


def test_the_oauth_token_of_a_job_opens_a_session_in_its_role(emulator):
    place = {**emulator.connection, "user": None, "password": None, "role": None}
    place["authenticator"] = "oauth"
    token = emulator.account.tokens.issue(user="MLOPS", role="SYSADMIN", seconds=600)

    with connect(**place, token=token) as opened:
        row = opened.cursor().execute("select current_user(), current_role()").fetchone()
    with pytest.raises(DatabaseError) as made_up:
        connect(**place, token="made up")
    emulator.account.clock.advance(601)
    with pytest.raises(DatabaseError) as late:
        connect(**place, token=token)

    assert row == ("MLOPS", "SYSADMIN")
    assert made_up.value.errno == 390303
    assert late.value.errno == 390318


def test_a_programmatic_token_expires(emulator, connection):
    run = connection.cursor().execute
    run("create user u type = person")
    secret = run("alter user u add programmatic access token p days_to_expiry = 1").fetchone()[1]
    place = {**emulator.connection, "user": "u", "password": None, "role": "PUBLIC"}
    place |= {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": secret}

    connect(**place).close()
    emulator.account.clock.advance(86400 + 60)

    with pytest.raises(DatabaseError) as caught:
        connect(**place)
    assert caught.value.errno == 394401


def test_a_key_pair_of_another_account_is_refused(emulator, connection):
    """The signed token names its account. Source: Snowflake, "Key-pair authentication"."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = "".join(public.decode().splitlines()[1:-1])
    connection.cursor().execute(f"alter user mlops set rsa_public_key = '{body}'")
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    place = {**emulator.connection, "password": None, "private_key": private}

    connect(**place).close()
    with pytest.raises(DatabaseError) as caught:
        connect(**{**place, "account": "another"})

    assert caught.value.errno == 390144


def test_a_presigned_url_expires(emulator, connection, tmp_path):
    (tmp_path / "f.txt").write_text("x")
    run = connection.cursor().execute
    run("create database d")
    run("create stage s")
    run(f"put file://{tmp_path / 'f.txt'} @s auto_compress = false")
    (url,) = run("select get_presigned_url(@s, 'f.txt', 60)").fetchone()

    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == b"x"
    emulator.account.clock.advance(61)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url, timeout=30)


def _sent(emulator, path, token, **body):
    request = urllib.request.Request(
        emulator.url + path,
        json.dumps(body).encode(),
        {"Authorization": f'Snowflake Token="{token}"', "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, json.load(answer)


@pytest.mark.parametrize(
    ("path", "code"),
    [("/queries/v1/query-request", "390104"), ("/session/token-request", "390114")],
)
def test_a_token_that_is_not_ascii_is_a_wrong_token(emulator, connection, path, code):
    status, answer = _sent(emulator, path, "\u00e9\u00fc", sqlText="select 1")

    assert (status, answer["success"], answer["code"]) == (200, False, code)
    assert emulator.account.record.of("fault") == []


@pytest.mark.parametrize(
    "parameters", [{"STATEMENT_TIMEOUT_IN_SECONDS": "soon"}, {"TIMEZONE": "Nowhere/Land"}]
)
def test_a_login_with_a_wrong_parameter_is_refused(emulator, parameters):
    with pytest.raises(DatabaseError) as caught:
        connect(**emulator.connection, session_parameters=parameters)

    assert caught.value.errno == 1008


def test_a_fault_inside_is_answered_with_200_and_recorded(emulator, connection, monkeypatch):
    """Clients retry HTTP 500 for minutes."""

    def broken(*_):
        raise RuntimeError("boom")

    monkeypatch.setitem(emulator.account.registry.functions, "SYSTEM$TYPEOF", broken)
    status, answer = _sent(
        emulator,
        "/queries/v1/query-request",
        connection.rest.token,
        sqlText="select system$typeof(1)",
    )

    (fault,) = emulator.account.record.of("fault")
    assert (status, answer["success"], answer["code"]) == (200, False, "000603")
    assert "boom" in fault["error"] and fault["query"] in answer["message"]
    assert "Traceback" not in answer["message"]


def test_an_unknown_route_is_named_and_recorded(emulator, connection):
    with pytest.raises(urllib.error.HTTPError) as caught:
        _sent(emulator, "/api/v2/frobnicators", connection.rest.token)

    assert caught.value.code == 404
    assert "/api/v2/frobnicators" in json.load(caught.value)["message"]
    assert "frobnicators" in emulator.account.record.of("unknown")[0]["route"]


def test_an_idle_session_ends_when_its_policy_says_so(emulator, connection):
    run = connection.cursor().execute
    run("create database d")
    run("create session policy d.public.s session_idle_timeout_mins = 5")
    run("create user idler password = 'Idle-1-idle' default_role = public")
    run("alter user idler set session policy d.public.s")
    as_idler = {"user": "idler", "password": "Idle-1-idle", "role": "PUBLIC"}
    with contextlib.closing(connect(**{**emulator.connection, **as_idler})) as opened:
        session = next(s for s in emulator.account.sessions.values() if s.user == "IDLER")
        session.used -= timedelta(minutes=4)
        awake = opened.cursor().execute("select 1").fetchall()
        session.used -= timedelta(minutes=6)

        with pytest.raises(DatabaseError) as caught:
            opened.cursor().execute("select 1")

    assert awake == [(1,)]
    assert caught.value.errno == 390114
    assert session.id not in emulator.account.sessions
