"""Each way to sign in, over a real socket."""

from __future__ import annotations

import uuid

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sf_ml_framework import connection
from sf_ml_framework.places.snowflake.errors import SignInError
from sf_ml_framework.places.snowflake.session import Account

WHO = "SELECT CURRENT_USER() AS u, CURRENT_ROLE() AS r"


@pytest.fixture
def user(make_account):
    name = f"U_{uuid.uuid4().hex[:8]}".upper()
    admin = make_account()
    admin.execute(
        f"create user {name} password = 'first-Secret-1' default_role = public type = person"
    )
    yield name
    admin.execute(f"drop user if exists {name}")


@pytest.fixture(scope="module")
def pair():
    """A private key, and the body of its public half as ALTER USER takes it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return key, "".join(public.decode().splitlines()[1:-1])


def pem_of(key, passphrase=b""):
    encryption = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def key_file(folder, content):
    file = folder / "rsa_key.p8"
    file.write_bytes(content)
    file.chmod(0o600)
    return str(file)


def test_by_a_password(make_account, user):
    account = make_account(user=user, password="first-Secret-1", role="PUBLIC")

    assert account.rows(WHO) == [{"u": user, "r": "PUBLIC"}]


@pytest.mark.parametrize(
    ("encrypted", "given"), [("", ""), ("open sesame", "open sesame"), ("", "of another key")],
    ids=["plain", "encrypted", "plain, with a passphrase that is not needed"],
)  # fmt: skip
def test_by_a_key_in_a_file(make_account, user, pair, tmp_path, encrypted, given):
    key, public = pair
    make_account().execute(f"alter user {user} set rsa_public_key = '{public}'")

    account = make_account(
        user=user,
        password=None,
        role="PUBLIC",
        private_key_file=key_file(tmp_path, pem_of(key, encrypted.encode())),
        private_key_file_pwd=given,
    )

    assert account.rows(WHO) == [{"u": user, "r": "PUBLIC"}]


def test_by_a_key_as_text(make_account, user, pair):
    key, public = pair
    make_account().execute(f"alter user {user} set rsa_public_key = '{public}'")

    account = make_account(
        user=user, password=None, role="PUBLIC", private_key_raw=pem_of(key).decode()
    )

    assert account.rows(WHO) == [{"u": user, "r": "PUBLIC"}]


def test_by_a_programmatic_token(make_account, user):
    admin = make_account()
    (row,) = admin.rows(f"alter user {user} add programmatic access token t1 days_to_expiry = 1")

    account = make_account(
        user=user,
        password=None,
        role="PUBLIC",
        authenticator="PROGRAMMATIC_ACCESS_TOKEN",
        token=row["token_secret"],
    )

    assert account.rows(WHO) == [{"u": user, "r": "PUBLIC"}]


def inside(emulator, token_file):
    """The environment of a container."""
    return {
        "SNOWFLAKE_RUNNING_INSIDE_SPCS": "true",
        "SNOWFLAKE_ACCOUNT": "emulator",
        "SNOWFLAKE_HOST": emulator.host,
        "SNOWFLAKE_PORT": str(emulator.port),
        "SNOWFLAKE_PROTOCOL": "http",
        "SNOWFLAKE_TOKEN_FILE": str(token_file),
    }


def test_by_the_token_file_of_a_container(emulator, tmp_path):
    file = tmp_path / "token"
    file.write_text(emulator.account.tokens.issue(user="MLOPS", role="SYSADMIN"))
    settings = connection.resolve(None, {}, inside(emulator, file))

    account = Account(settings)

    assert account.rows(WHO) == [{"u": "MLOPS", "r": "SYSADMIN"}]
    account.close()


def test_the_token_file_is_read_anew_when_the_session_is_over(emulator, tmp_path):
    file = tmp_path / "token"
    first = emulator.account.tokens.issue(user="MLOPS", role="SYSADMIN", name="one")
    file.write_text(first)
    account = Account(connection.resolve(None, {}, inside(emulator, file)))
    account.rows(WHO)

    emulator.account.tokens.revoke(user="MLOPS", name="one", kind="OAUTH")
    file.write_text(emulator.account.tokens.issue(user="MLOPS", role="USERADMIN"))
    end_sessions(emulator)

    assert account.rows(WHO) == [{"u": "MLOPS", "r": "USERADMIN"}]
    account.close()


def end_sessions(emulator):
    """End all sessions at once, as hours without a statement do."""
    for session in list(emulator.account.sessions.values()):
        emulator.account.close_session(session)


@pytest.mark.parametrize("wrong", ["wrong", "first-Secret-1 "])
def test_a_wrong_password_is_told_with_its_remedy(make_account, user, wrong):
    account = make_account(user=user, password=wrong, role="PUBLIC")

    with pytest.raises(SignInError, match="did not accept the credentials") as caught:
        account.rows(WHO)

    assert caught.value.number == 390100
    assert "check user and password" in caught.value.remedy
    assert wrong not in str(caught.value) + caught.value.remedy


def test_another_key_is_told_with_its_remedy(make_account, user, pair, tmp_path):
    key, _ = pair
    account = make_account(
        user=user, password=None, role="PUBLIC", private_key_file=key_file(tmp_path, pem_of(key))
    )

    with pytest.raises(SignInError, match="did not accept the key") as caught:
        account.rows(WHO)

    assert "RSA_PUBLIC_KEY" in caught.value.remedy


def test_a_wrong_passphrase_is_told_and_not_shown(make_account, user, pair, tmp_path):
    key, _ = pair
    account = make_account(
        user=user,
        password=None,
        private_key_file=key_file(tmp_path, pem_of(key, b"open sesame")),
        private_key_file_pwd="canary-9c",
    )

    with pytest.raises(SignInError, match="private key cannot be used") as caught:
        account.rows(WHO)

    assert "PRIVATE_KEY_PASSPHRASE" in caught.value.remedy
    assert "canary-9c" not in str(caught.value) + caught.value.remedy


def test_an_expired_token_is_told(emulator, make_account):
    token = emulator.account.tokens.issue(user="MLOPS", role=None, kind="PAT", seconds=-1)
    account = make_account(password=None, token=token, authenticator="PROGRAMMATIC_ACCESS_TOKEN")

    with pytest.raises(SignInError, match="no longer valid") as caught:
        account.rows(WHO)

    assert "get a new token" in caught.value.remedy
    assert token not in str(caught.value)


def test_a_role_that_was_not_granted_is_told(make_account, user):
    account = make_account(user=user, password="first-Secret-1", role="ACCOUNTADMIN")

    with pytest.raises(SignInError, match="the role cannot be used") as caught:
        account.rows(WHO)

    assert "GRANT ROLE" in caught.value.remedy


def test_workload_identity_is_handed_to_the_client_which_trusts_snowflakes_hosts_alone(
    make_account,
):
    """The connector sends a provider's token to no other host, so not to an emulator either."""
    account = make_account(
        user=None,
        password=None,
        authenticator="WORKLOAD_IDENTITY",
        workload_identity_provider="OIDC",
        token="e30.e30.e30",
    )

    with pytest.raises(SignInError, match="workload identity") as caught:
        account.rows(WHO)

    assert caught.value.number == 251021


def test_a_closed_account_leaves_no_session_of_snowpark(make_account):
    """Else `get_active_session` of whoever goes on in this process finds several."""
    from snowflake.snowpark.session import _get_active_sessions

    account = make_account()
    opened = account.session
    assert opened in _get_active_sessions()

    account.close()

    assert opened not in _get_active_sessions(require_at_least_one=False)
