"""A machine whose clock differs from the account's. The emulator's own clock is moved for it."""

from __future__ import annotations

import pytest

from sf_ml_framework import connection
from sf_ml_framework.emulator import Emulator
from sf_ml_framework.places.snowflake.errors import SignInError
from sf_ml_framework.places.snowflake.session import Account
from tests.integration.snowflake.test_connection import key_file, pair, pem_of

__all__ = ["pair"]


@pytest.fixture
def emulator(monkeypatch):
    """An emulator of this test's own: others must not see its clock."""
    monkeypatch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    with Emulator() as started:
        yield started


@pytest.fixture
def by_key(emulator, pair, tmp_path):
    """Return what opens an account with a key pair."""
    keys = ("account", "user", "host", "port", "protocol", "role", "warehouse")
    flags = {key: str(emulator.connection[key]) for key in keys}
    opened = []

    def account(**more):
        found = Account(connection.resolve(None, flags | more, {}))
        opened.append(found)
        return found

    admin = account(password=str(emulator.connection["password"]))
    admin.execute(f"alter user {flags['user']} set rsa_public_key = '{pair[1]}'")
    file = key_file(tmp_path, pem_of(pair[0]))
    yield lambda: account(private_key_file=file)
    for each in opened:
        each.close()


@pytest.mark.parametrize("seconds", [7200, -7200])
def test_a_key_is_refused_by_a_clock_that_is_wrong_and_the_remedy_names_the_clock(
    by_key, emulator, seconds
):
    assert by_key().rows("select 1 as a") == [{"a": 1}]
    emulator.account.clock.advance(seconds)

    with pytest.raises(SignInError, match="did not accept the key") as caught:
        by_key().rows("select 1")

    assert caught.value.number == 390144
    assert "this machine's clock is" in caught.value.remedy
    emulator.account.clock.advance(-seconds)
    assert by_key().rows("select 1 as a") == [{"a": 1}]


def test_a_clock_that_is_a_little_wrong_is_borne(by_key, emulator):
    emulator.account.clock.advance(30)

    assert by_key().rows("select 1 as a") == [{"a": 1}]
