"""Whom policies let in, how, and for how long; and the keys of users."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from snowflake.connector import connect
from snowflake.connector.errors import DatabaseError, ProgrammingError

from tests.integration.emulator.test_login import login, pair


@pytest.fixture
def name():
    return f"N_{uuid.uuid4().hex[:8]}".upper()


@pytest.fixture
def user(run, name):
    """A service user with one key; the fixture's value is its name and how it signs in."""
    private, public = pair()
    run(f"create user {name} type = service default_role = public rsa_public_key = '{public}'")
    yield name, {"user": name, "password": None, "private_key": private}
    run(f"drop user if exists {name}")


@pytest.fixture
def policy(run, name, database):
    """Return what makes a network policy of one rule with these addresses."""

    def make(*addresses: str) -> str:
        run(
            f"create or replace network rule {database}.public.r_{name} mode = ingress type = ipv4 "
            f"value_list = ({', '.join(map(repr, addresses))})"
        )
        run(
            f"create network policy {name} allowed_network_rule_list = "
            f"('{database}.public.r_{name}')"
        )
        return name

    yield make
    run(f"drop user if exists {name}")
    run(f"drop network policy if exists {name}")


def refused(run, sql: str, number: int) -> str:
    with pytest.raises(ProgrammingError) as caught:
        run(sql)
    assert caught.value.errno == number, caught.value
    return str(caught.value)


def described(run, name: str) -> dict[str, Any]:
    return {row[0]: row[1] for row in run(f"describe user {name}")}


def test_a_user_comes_in_only_from_where_its_policy_allows(place, run, user, policy):
    who, key = user
    run(f"alter user {who} set network_policy = {policy('192.0.2.0/24')}")
    with pytest.raises(DatabaseError) as caught:
        login(place, **key)

    run(f"alter network policy {who} set allowed_ip_list = ('127.0.0.0/8')")

    assert caught.value.errno == 390422
    assert login(place, **key) == (who, "PUBLIC")


def test_what_is_blocked_stays_out_though_it_is_allowed(place, run, user, policy):
    who, key = user
    run(f"alter user {who} set network_policy = {policy('0.0.0.0/0')}")
    assert login(place, **key) == (who, "PUBLIC")

    run(f"alter network policy {who} set blocked_ip_list = ('127.0.0.1')")

    with pytest.raises(DatabaseError) as caught:
        login(place, **key)
    assert caught.value.errno == 390422


def test_the_policy_of_a_user_is_a_parameter_of_it(run, user, policy):
    who, _ = user
    run(f"alter user {who} set network_policy = {policy('192.0.2.7')}")

    shown = run(f"show parameters like 'NETWORK_POLICY' in user {who}")
    told = dict(run(f"describe network policy {who}"))
    row = next(row for row in run("show network policies") if row[1] == who)
    run(f"alter user {who} unset network_policy")

    assert shown[0][:4] == ("NETWORK_POLICY", who, "", "USER")
    rules = json.loads(told["ALLOWED_NETWORK_RULE_LIST"])
    assert [rule["fullyQualifiedRuleName"].endswith(f".R_{who}") for rule in rules] == [True]
    assert row[3:] == (0, 0, 1, 0)
    assert run(f"show parameters like 'NETWORK_POLICY' in user {who}")[0][1] == ""


def test_a_policy_in_use_is_not_dropped_and_its_rule_neither(run, user, policy, database):
    who, _ = user
    run(f"alter user {who} set network_policy = {policy('192.0.2.7')}")

    refused(run, f"drop network policy {who}", 1008)
    refused(run, f"create or replace network policy {who} allowed_ip_list = ('1.2.3.4')", 1008)
    refused(run, f"drop network rule {database}.public.r_{who}", 1008)


def test_nobody_can_shut_themselves_out(run, policy):
    mine = run("select current_user()")[0][0]
    name = policy("192.0.2.0/24")

    told = refused(run, f"alter user {mine} set network_policy = {name}", 1008)
    refused(run, f"alter account set network_policy = {name}", 1008)

    assert "cannot be activated" in told


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("create network policy {0} allowed_network_rule_list = ('{1}.public.none')", 2003),
        ("create network policy {0} allowed_ip_list = ('300.1.1.1')", 1008),
        ("create network policy {0} allowed = ('1.1.1.1')", 1008),
        ("alter user {0}_none set network_policy = x", 2003),
        ("create session policy {1}.public.{0} session_idle_timeout_mins = 4", 1008),
        ("create session policy {1}.public.{0} session_idle_timeout_mins = 241", 1008),
        ("create session policy {1}.public.{0} idle = 10", 1008),
        ("create authentication policy {1}.public.{0} authentication_methods = ('GUESS')", 1008),
        ("create user {0} type = robot", 1008),
        ("create user {0} workload_identity = (type = oidc issuer = 'a' subject = 'b')", 1008),
        ("create user {0} type = service workload_identity = (type = oidc issuer = 'a')", 1008),
        ("create user {0} type = service password = 'not-For-Services-1'", 1008),
        ("create user {0} type = service rsa_public_key = 'bm8ga2V5'", 1008),
        ("create user {0} shoe_size = 43", 1008),
    ],
)
def test_what_a_policy_or_user_does_not_take_is_refused(run, name, database, sql, number):
    refused(run, sql.format(name, database), number)


def test_an_egress_rule_is_no_rule_of_a_network_policy(run, name, database):
    rule = f"{database}.public.e_{name}"
    run(f"create network rule {rule} mode = egress type = host_port value_list = ('a.example:443')")

    refused(run, f"create network policy {name} allowed_network_rule_list = ('{rule}')", 1008)


def test_an_authentication_policy_says_how_one_signs_in(place, run, user, database):
    who, key = user
    policy = f"{database}.public.a_{who}"
    run(f"create authentication policy {policy} authentication_methods = ('KEYPAIR')")
    run(f"alter user {who} set authentication policy {policy}")
    by_key = login(place, **key)

    run(f"alter authentication policy {policy} set authentication_methods = ('OAUTH')")

    assert by_key == (who, "PUBLIC")
    with pytest.raises(DatabaseError) as caught:
        login(place, **key)
    assert caught.value.errno == 390202
    run(f"alter user {who} unset authentication policy")
    assert login(place, **key) == (who, "PUBLIC")


def test_a_policy_replaces_another_only_with_force(run, user, database):
    who, _ = user
    for number in (10, 20):
        run(
            f"create session policy {database}.public.s{number}_{who} "
            f"session_idle_timeout_mins = {number}"
        )
    run(f"alter user {who} set session policy {database}.public.s10_{who}")

    refused(run, f"alter user {who} set session policy {database}.public.s20_{who}", 1008)
    run(f"alter user {who} set session policy {database}.public.s20_{who} force")
    rows = run(
        "select policy_name, policy_kind from table(information_schema.policy_references("
        f"ref_entity_domain => 'USER', ref_entity_name => '{who}'))"
    )

    assert rows == [(f"S20_{who}", "SESSION_POLICY")]
    refused(run, f"drop session policy {database}.public.s20_{who}", 1008)
    run(f"drop session policy {database}.public.s10_{who}")


def test_each_of_two_keys_lets_its_user_in_until_it_is_unset(place, run, user):
    who, first = user
    private, public = pair()
    second = {**first, "private_key": private}
    before = described(run, who)
    run(f"alter user {who} set rsa_public_key_2 = '{public}'")
    both = described(run, who)
    assert login(place, **first) == login(place, **second) == (who, "PUBLIC")

    run(f"alter user {who} unset rsa_public_key")

    assert before["RSA_PUBLIC_KEY_2_FP"] == before["RSA_PUBLIC_KEY_2_LAST_SET_TIME"] == "null"
    assert both["RSA_PUBLIC_KEY_FP"] == before["RSA_PUBLIC_KEY_FP"]
    assert both["RSA_PUBLIC_KEY_2_FP"].startswith("SHA256:")
    assert both["RSA_PUBLIC_KEY_2_LAST_SET_TIME"][:2] == "20"
    after = described(run, who)
    assert (after["RSA_PUBLIC_KEY_FP"], after["RSA_PUBLIC_KEY_LAST_SET_TIME"]) == ("null", "null")
    assert login(place, **second) == (who, "PUBLIC")
    with pytest.raises(DatabaseError):
        login(place, **first)


def test_a_short_key_is_refused(run, user):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    who, _ = user
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    public = short.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    refused(run, f"alter user {who} set rsa_public_key_2 = '{public.decode()}'", 1008)


def test_who_may_modify_the_ways_to_sign_in_changes_keys_and_no_more(place, run, user, name):
    who, key = user
    _, public = pair()
    role = f"R_{name}"
    run(f"create role {role}")
    run(f"grant role {role} to user {who}")
    with connect(**{**place, "role": role, **key}) as connection:
        cursor = connection.cursor()
        change = f"alter user {who} set rsa_public_key_2 = '{public}'"
        with pytest.raises(ProgrammingError):
            cursor.execute(change)
        run(f"grant modify programmatic authentication methods on user {who} to role {role}")

        cursor.execute(change)

        assert cursor.execute("describe user " + who).fetchall()
        with pytest.raises(ProgrammingError):
            cursor.execute(f"alter user {who} set disabled = true")
    run(f"drop role {role}")


def test_a_value_of_a_secret_is_in_no_history(run, database):
    canary = f"canary-{uuid.uuid4().hex}"
    run(f"create secret {database}.public.s type = generic_string secret_string = '{canary}'")
    run(f"alter secret {database}.public.s set secret_string = '{canary}2'")
    with pytest.raises(ProgrammingError):
        run(f"create secret {database}.public.s type = generic_string secret_string = $${canary}$$")

    texts = [
        row[0] for row in run("select query_text from table(information_schema.query_history())")
    ]

    assert sum("SECRET_STRING = '☺☺☺☺☺'" in text.upper() for text in texts) >= 3
    assert not any(canary in text for text in texts)


def test_no_part_of_a_secret_is_described(run, database):
    run(f"create secret {database}.public.p type = password username = 'me' password = 'hidden-1'")

    (described,) = run(f"describe secret {database}.public.p")
    shown = run(f"show secrets in {database}.public")

    assert described[7] == "me"
    assert "hidden-1" not in str([described, *shown])
