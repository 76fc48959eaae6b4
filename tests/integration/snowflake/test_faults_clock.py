"""Faults that time brings: a machine with another clock than the account's, and a limit that ends.

The emulator's own clock is moved for them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sf_ml_framework import connection
from sf_ml_framework.emulator import Emulator
from sf_ml_framework.places.snowflake.errors import SignInError
from sf_ml_framework.places.snowflake.session import Account
from tests.integration.snowflake.container_site import Site
from tests.integration.snowflake.test_connection import key_file, pair, pem_of
from tests.integration.snowflake.test_faults import (
    PIPELINE,
    STEPS,
    check_old_stands,
    failed_like,
)
from tests.waiting import until

__all__ = ["pair"]


@pytest.fixture
def emulator(monkeypatch):
    """An emulator of this test's own: others must not see its clock."""
    monkeypatch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    with Emulator() as started:
        yield started


@pytest.fixture
def account(emulator):
    """Return what opens an account; each is closed when the test ends."""
    keys = ("account", "user", "host", "port", "protocol", "role", "warehouse")
    flags = {key: str(emulator.connection[key]) for key in keys}
    opened = []

    def make(**more):
        found = Account(connection.resolve(None, flags | more, {}))
        opened.append(found)
        return found

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def admin(account, emulator):
    """The account as its administrator."""
    return account(password=str(emulator.connection["password"]))


@pytest.fixture
def by_key(account, admin, emulator, pair, tmp_path):
    """Return what opens an account with a key pair."""
    user = emulator.connection["user"]
    admin.execute(f"alter user {user} set rsa_public_key = '{pair[1]}'")
    file = key_file(tmp_path, pem_of(pair[0]))
    return lambda: account(private_key_file=file)


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


@pytest.fixture
def site(admin, emulator, tmp_path):
    """A project of one node that has run once."""
    made = Site(admin, tmp_path / "project")
    made.write(PIPELINE, STEPS)
    made.deploy()
    made.push(emulator)
    made.run()
    yield made
    made.drop()


def test_a_node_that_takes_too_long_is_stopped_and_told(site, emulator):
    task = f"{site.database}.ML.TASK_WORK"
    site.admin.execute(f"alter task {task} set user_task_timeout_ms = 600000")
    site.start('{"params": {"mode": "wait"}, "force": true}')
    pid, _ = site.begun()

    emulator.account.clock.advance(601)
    ended = site.ended(times=2)["work"]

    remedy = "raise timeout_minutes of its NodeConfig"
    failed_like(ended, site.records()["work"], "timed out", remedy)
    check_old_stands(site)
    until(lambda: not Path(f"/proc/{pid}").exists(), "its process goes on")
