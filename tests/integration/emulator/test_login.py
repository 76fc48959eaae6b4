"""Who comes in, and who does not."""

from __future__ import annotations

import uuid

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from snowflake.connector import connect
from snowflake.connector.errors import DatabaseError


@pytest.fixture
def user(run):
    name = f"U_{uuid.uuid4().hex[:8]}".upper()
    run(f"create user {name} password = 'first-Secret-1' default_role = public type = person")
    yield name
    run(f"drop user if exists {name}")


def login(place, **changes):
    wanted = {k: v for k, v in {**place, "role": "PUBLIC", **changes}.items() if v is not None}
    with connect(**wanted) as connection:
        return connection.cursor().execute("select current_user(), current_role()").fetchone()


def pair():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, "".join(public.decode().splitlines()[1:-1])


def test_a_password_lets_its_user_in(place, user):
    assert login(place, user=user, password="first-Secret-1") == (user, "PUBLIC")


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"user": "nobody_at_all"}])
def test_a_wrong_password_or_user_is_refused(place, user, wrong):
    with pytest.raises(DatabaseError) as caught:
        login(place, **{"user": user, "password": "wrong", **wrong})

    assert caught.value.errno == 390100


def test_a_registered_key_lets_its_user_in(place, user, run):
    private, public = pair()
    run(f"alter user {user} set rsa_public_key = '{public}'")

    assert login(place, user=user, password=None, private_key=private) == (user, "PUBLIC")


def test_another_key_is_refused(place, user, run):
    _, public = pair()
    run(f"alter user {user} set rsa_public_key = '{public}'")
    other, _ = pair()

    with pytest.raises(DatabaseError) as caught:
        login(place, user=user, password=None, private_key=other)

    assert caught.value.errno == 390144


def test_a_programmatic_token_lets_in_until_it_is_removed(place, user, run):
    ((_, secret),) = run(f"alter user {user} add programmatic access token pat1 days_to_expiry = 1")
    pat = {
        "user": user,
        "password": None,
        "authenticator": "PROGRAMMATIC_ACCESS_TOKEN",
        "token": secret,
    }

    inside = login(place, **pat)
    run(f"alter user {user} remove programmatic access token pat1")

    assert inside == (user, "PUBLIC")
    with pytest.raises(DatabaseError):
        login(place, **pat)


def test_a_role_that_was_not_granted_is_refused(place, user):
    with pytest.raises(DatabaseError) as caught:
        login(place, user=user, password="first-Secret-1", role="ACCOUNTADMIN")

    assert caught.value.errno == 390189
