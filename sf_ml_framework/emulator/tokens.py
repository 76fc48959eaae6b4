"""Who may come in: passwords, key pairs, programmatic tokens, OAuth tokens of jobs.

Source: Snowflake, "Key-pair authentication", "Programmatic access tokens"; connector 4.8,
``auth/``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .catalog import Entry
from .faults import SnowflakeError
from .names import Path, fold

if TYPE_CHECKING:
    from .account import Account

SESSION_HOURS = 1
MASTER_HOURS = 4
_LEEWAY_SECONDS = 60
"""How far a signed token's times may be from the account's clock."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login or token allows: a user, and the role it is bound to, if any."""

    user: str
    role: str | None = None
    facts: dict[str, Any] | None = None


def hash_password(password: str) -> str:
    """Return a salted hash of *password*."""
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1)
    return f"{salt.hex()}:{digest.hex()}"


def _password_matches(password: str, stored: str) -> bool:
    salt, _, digest = stored.partition(":")
    made = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=1024, r=8, p=1)
    return hmac.compare_digest(made.hex(), digest)


def fingerprint(public_key: str) -> str:
    """Return ``SHA256:...`` of a public key given as PEM or as its bare base64 body."""
    lines = [line for line in public_key.splitlines() if "-----" not in line]
    der = base64.b64decode("".join(lines))
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def key_bits(public_key: str) -> int:
    """Return how long an RSA key is; 0 for a key of another kind.

    Raises:
        ValueError: it is no public key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    lines = [line for line in public_key.splitlines() if "-----" not in line]
    try:
        key = load_der_public_key(base64.b64decode("".join(lines)))
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    return key.key_size if isinstance(key, RSAPublicKey) else 0


def refused_login() -> SnowflakeError:
    """Return 390100."""
    return SnowflakeError(
        "Incorrect username or password was specified.", number=390100, state="08001"
    )


class Tokens:
    """Checks credentials and issues tokens. Tokens are stored as hashes only."""

    def __init__(self, account: Account) -> None:
        self._account = account
        account.catalog.table(
            "create table if not exists tokens (hash text primary key, kind text not null, "
            "name text not null, user text not null, role text, expires text not null, "
            "facts text not null)"
        )

    def user_of(self, login: str) -> Entry | None:
        """Return the user whom a login names, by name or login name."""
        for name in (fold(login), login):
            user = self._account.catalog.find("USER", Path("", "", name))
            if user is not None:
                return user
        for user in self._account.catalog.all("USER"):
            if str(user.properties.get("LOGIN_NAME", "")).upper() == login.upper():
                return user
        return None

    def check(self, data: dict[str, Any]) -> Grant:
        """Return whom a login request's ``data`` proves to be.

        Raises:
            SnowflakeError: the credentials are wrong.
        """
        kind = str(data.get("AUTHENTICATOR") or "").upper()
        login = str(data.get("LOGIN_NAME") or "")
        token = str(data.get("TOKEN") or "")
        if kind == "SNOWFLAKE_JWT":
            return self._key_pair(token)
        if kind == "PROGRAMMATIC_ACCESS_TOKEN":
            return self.bearer(token, kind="PAT")
        if kind == "OAUTH":
            return self.bearer(token, kind="OAUTH")
        if kind in {"", "SNOWFLAKE", "USERNAME_PASSWORD_MFA"}:
            return self._password(login, str(data.get("PASSWORD") or ""))
        raise SnowflakeError(
            f"Authenticator {kind} is not supported.", number=390144, state="08001"
        )

    def _password(self, login: str, password: str) -> Grant:
        user = self.user_of(login)
        if user is None:
            raise refused_login()
        stored = user.properties.get("PASSWORD_HASH")
        if user.properties.get("DISABLED"):
            raise SnowflakeError("User access disabled.", number=390101, state="08001")
        if stored and _password_matches(password, str(stored)):
            return Grant(user.name)
        # Snowflake takes a programmatic token in place of a password.
        return self._pat_as_password(user, password)

    def _pat_as_password(self, user: Entry, password: str) -> Grant:
        try:
            grant = self.bearer(password, kind="PAT")
        except SnowflakeError:
            raise refused_login() from None
        if grant.user != user.name:
            raise refused_login()
        return grant

    def _key_pair(self, token: str) -> Grant:
        import jwt

        wrong = SnowflakeError("JWT token is invalid.", number=390144, state="08001")
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
            account, login, claimed = str(claims["iss"]).split(".", 2)
        except (jwt.PyJWTError, KeyError, ValueError):
            raise wrong from None
        user = self.user_of(login)
        ours = account.upper() == self._account.name.upper()
        if user is None or not ours or claims.get("sub") != f"{account}.{login}":
            raise wrong
        if user.properties.get("DISABLED"):
            raise SnowflakeError("User access disabled.", number=390101, state="08001")
        for name in ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"):
            key = user.properties.get(name)
            if key and fingerprint(str(key)) == claimed and self._signed(token, str(key)):
                return Grant(user.name)
        raise wrong

    def _signed(self, token: str, key: str) -> bool:
        import jwt

        body = "".join(line for line in key.splitlines() if "-----" not in line)
        pem = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
        try:
            # By the account's clock, which the library does not know.
            claims = jwt.decode(
                token,
                pem,
                algorithms=["RS256"],
                options={"require": ["exp"], "verify_exp": False, "verify_iat": False},
            )
            now = self._account.clock.now().timestamp()
            begun, over = float(claims.get("iat", now)), float(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError):
            return False
        return begun - _LEEWAY_SECONDS <= now <= over + _LEEWAY_SECONDS

    def issue(
        self,
        *,
        user: str,
        role: str | None,
        kind: str = "OAUTH",
        name: str = "",
        seconds: float = 3600,
        facts: dict[str, Any] | None = None,
    ) -> str:
        """Return a new token for *user*, bound to *role*; *facts* go into its sessions."""
        token = secrets.token_urlsafe(48)
        expires = self._account.clock.now() + timedelta(seconds=seconds)
        self._account.catalog.execute(
            "insert into tokens values (?, ?, ?, ?, ?, ?, ?)",
            (_hash(token), kind, name, user, role, expires.isoformat(), json.dumps(facts or {})),
        )
        return token

    def revoke(self, *, user: str, name: str, kind: str = "PAT") -> None:
        """Forget a named token."""
        self._account.catalog.execute(
            "delete from tokens where user = ? and name = ? and kind = ?", (user, name, kind)
        )

    def bearer(self, token: str, *, kind: str) -> Grant:
        """Return what a token of *kind* allows.

        Raises:
            SnowflakeError: unknown or expired.
        """
        rows = self._account.catalog.execute(
            "select user, role, expires, facts from tokens where hash = ? and kind = ?",
            (_hash(token), kind),
        )
        if not rows:
            if kind == "PAT":
                raise SnowflakeError(
                    "Programmatic access token is invalid.", number=394400, state="08001"
                )
            raise SnowflakeError("Invalid OAuth access token.", number=390303, state="08001")
        user, role, expires, facts = rows[0]
        if datetime.fromisoformat(expires) <= self._account.clock.now():
            if kind == "PAT":
                raise SnowflakeError(
                    "Programmatic access token has expired.", number=394401, state="08001"
                )
            raise SnowflakeError("OAuth access token expired.", number=390318, state="08001")
        return Grant(user, role, json.loads(facts))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
