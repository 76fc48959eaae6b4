"""How a connection signs in, and what the client is handed for it.

Key pair first, password last. Source: Snowflake, "Planning for the deprecation of single-factor
password sign-ins", "Workload identity federation", "Using programmatic access tokens"; connector
4.8, ``connection.py`` (``__config`` and ``connect``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NoReturn

from sf_ml_framework.connection.files import why_not_private
from sf_ml_framework.connection.key_files import is_encrypted, needs_passphrase
from sf_ml_framework.connection.values import NUMBERS, ConnectionSettings, Level, Value
from sf_ml_framework.errors import SettingsError, nearest

Method = Literal[
    "key pair",
    "workload identity",
    "programmatic token",
    "OAuth",
    "OAuth client credentials",
    "OAuth in a browser",
    "single sign-on in a browser",
    "Okta",
    "password",
    "password and second factor",
]

_AUTHENTICATORS: dict[str, Method] = {
    "SNOWFLAKE_JWT": "key pair",
    "WORKLOAD_IDENTITY": "workload identity",
    "PROGRAMMATIC_ACCESS_TOKEN": "programmatic token",
    "OAUTH": "OAuth",
    "OAUTH_CLIENT_CREDENTIALS": "OAuth client credentials",
    "OAUTH_AUTHORIZATION_CODE": "OAuth in a browser",
    "EXTERNALBROWSER": "single sign-on in a browser",
    "SNOWFLAKE": "password",
    "USERNAME_PASSWORD_MFA": "password and second factor",
}

_OF_KEY: dict[str, Method] = {
    "private_key_file": "key pair",
    "private_key_raw": "key pair",
    "workload_identity_provider": "workload identity",
    "token": "programmatic token",
    "token_file_path": "programmatic token",
    "password": "password",
}
"""What a value alone says of how to sign in; the first wins, where a place has several."""

_NEEDS: dict[Method, tuple[str, ...]] = {
    "key pair": ("private_key_file", "private_key_raw"),
    "workload identity": ("workload_identity_provider",),
    "programmatic token": ("token", "token_file_path"),
    "OAuth": ("token", "token_file_path"),
    "OAuth client credentials": ("oauth_client_id",),
    "password": ("password",),
    "password and second factor": ("password",),
}
"""Of these values one is needed."""

_TAKES: dict[Method, tuple[str, ...]] = {
    "key pair": ("private_key_file", "private_key_raw", "private_key_file_pwd"),
    "workload identity": (
        "workload_identity_provider", "workload_identity_entra_resource", "token", "token_file_path"
    ),
    "programmatic token": ("token", "token_file_path"),
    "OAuth": ("token", "token_file_path"),
    "OAuth client credentials": (
        "oauth_client_id", "oauth_client_secret", "oauth_token_request_url", "oauth_scope"
    ),
    "OAuth in a browser": (
        "oauth_client_id", "oauth_client_secret", "oauth_token_request_url", "oauth_scope",
        "oauth_authorization_url", "oauth_redirect_uri",
    ),
    "single sign-on in a browser": ("client_store_temporary_credential",),
    "Okta": ("password",),
    "password": ("password",),
    "password and second factor": ("password", "passcode", "passcode_in_password"),
}  # fmt: skip
"""What is handed over; nothing of another way to sign in is."""

_ADDRESS = (
    "account", "user", "role", "warehouse", "database", "schema", "secondary_roles", "host", "port",
    "protocol", "region", "proxy_host", "proxy_port", "proxy_user", "proxy_password", "no_proxy",
    "login_timeout", "network_timeout", "socket_timeout",
)  # fmt: skip

_NEEDS_USER: frozenset[Method] = frozenset({"key pair", "password", "password and second factor"})

HOW = (
    "give SNOWFLAKE_PRIVATE_KEY_FILE (recommended), SNOWFLAKE_TOKEN with"
    " SNOWFLAKE_AUTHENTICATOR, or SNOWFLAKE_PASSWORD, or name a connection of connections.toml"
)


def method_of(connection: ConnectionSettings) -> Method:
    """Return how *connection* signs in.

    The highest place that says anything of it decides: its ``authenticator``, else what it gives,
    key pair first.

    Raises:
        SettingsError: nothing says how, or the authenticator is not known.
    """
    said = [
        value for value in connection.values if value.key == "authenticator" or value.key in _OF_KEY
    ]
    if not said:
        raise SettingsError(
            f"nothing says how to sign in to account {connection.account!r}", remedy=HOW
        )
    highest = min(value.level for value in said)
    here = {value.key: value for value in said if value.level == highest}
    if "authenticator" in here:
        return _named(here["authenticator"])
    chosen = next(key for key in _OF_KEY if key in here)
    named = connection.value("authenticator")
    if named and named.level is Level.CONTAINER and not connection.value("token_file_path"):
        named = None  # the platform speaks of its own token, which lies in a file
    if chosen in ("token", "token_file_path") and named and _NEEDS.get(_named(named)) == (
        "token", "token_file_path"
    ):  # fmt: skip
        return _named(named)
    return _OF_KEY[chosen]


def check(connection: ConnectionSettings) -> None:
    """Refuse a connection that cannot work, before anything is sent.

    Raises:
        SettingsError: names the value, where it came from and what to do.
    """
    for value in connection.values:
        if value.key in NUMBERS and not value.plain.isdigit():
            raise SettingsError(
                f"{value.key} ({value.origin}) is {value.plain!r}, which is no whole number",
                remedy="write digits alone",
            )
    protocol = connection.get("protocol")
    if protocol not in ("", "https", "http"):
        raise SettingsError(f"protocol cannot be {protocol!r}", remedy="write https")
    method = method_of(connection)
    needed = _NEEDS.get(method, ())
    if needed and not any(connection.value(key) for key in needed):
        _lacks(connection, method, " or ".join(needed))
    if method in _NEEDS_USER and not connection.get("user"):
        _lacks(connection, method, "user")
    if method == "key pair" and connection.value("private_key_file"):
        _check_key(connection)
    if method == "workload identity":
        _check_provider(connection)


def arguments(connection: ConnectionSettings) -> dict[str, Any]:
    """Return what ``snowflake.connector.connect`` is called with; holds secrets in the clear.

    Files of tokens are read now, since a token lives for an hour at most: call this for each
    connection anew, and keep nothing of it.

    Raises:
        SettingsError: a key or token cannot be read.
    """
    method = method_of(connection)
    taken = (*_ADDRESS, *_TAKES[method])
    found: dict[str, Any] = {
        value.key: int(value.plain) if value.key in NUMBERS else value.plain
        for value in connection.values
        if value.key in taken
    }
    found["authenticator"] = _authenticator(connection, method)
    if "token_file_path" in found:
        file = found.pop("token_file_path")
        # Given by both in one place, the file wins, as it does in the connector.
        found["token"] = _token(Path(file), connection)
    if "private_key_raw" in found:
        text, passphrase = found.pop("private_key_raw"), found.pop("private_key_file_pwd", None)
        found.pop("private_key_file", None)
        found["private_key"] = _der(text, passphrase, connection)
    elif "private_key_file" in found:
        key = Path(found["private_key_file"]).expanduser()
        found["private_key_file"] = str(key)
        if not is_encrypted(key):
            # The connector refuses a passphrase that is not needed.
            found.pop("private_key_file_pwd", None)
    if method == "workload identity":
        found["workload_identity_provider"] = found["workload_identity_provider"].upper()
    if connection.in_container and method == "OAuth":
        # The token itself says who it is.
        found.pop("user", None)
    return found


def _named(authenticator: Value) -> Method:
    text = authenticator.plain
    if text.lower().startswith("https://"):
        return "Okta"
    if text.upper() not in _AUTHENTICATORS:
        raise SettingsError(
            f"authenticator ({authenticator.origin}) cannot be {text!r}",
            remedy=nearest(text.upper(), _AUTHENTICATORS),
        )
    return _AUTHENTICATORS[text.upper()]


def _authenticator(connection: ConnectionSettings, method: Method) -> str:
    if method == "Okta":
        return connection.get("authenticator")
    return next(name for name, known in _AUTHENTICATORS.items() if known == method)


def _lacks(connection: ConnectionSettings, method: Method, what: str) -> NoReturn:
    decider = connection.value("authenticator")
    why = f" (authenticator of {decider.origin})" if decider else ""
    variable = what.split(" or ", maxsplit=1)[0].upper()
    raise SettingsError(
        f"signing in by {method}{why} needs {what}, and nothing gives it",
        remedy=f"give SNOWFLAKE_{variable}, or another way to sign in",
    )


def _check_key(connection: ConnectionSettings) -> None:
    key = connection.value("private_key_file")
    file = Path(key.plain).expanduser() if key else Path()
    origin = key.origin if key else ""
    try:
        head = file.read_bytes()[:200]
    except OSError as error:
        raise SettingsError(
            f"the private key {file} ({origin}) cannot be read: {error.strerror}",
            remedy="name the file that holds the key, and let yourself read it",
        ) from None
    wrong, refused = why_not_private(file)
    if refused:
        raise SettingsError(f"{wrong}, so it is not used", remedy=f'chmod 0600 "{file}"')
    if b"-----BEGIN" not in head:
        raise SettingsError(
            f"{file} ({origin}) is no private key in PEM form",
            remedy="name the file that begins with -----BEGIN PRIVATE KEY-----",
        )
    if b"PUBLIC KEY" in head:
        raise SettingsError(
            f"{file} ({origin}) is the public half of a key", remedy="name the private half"
        )
    if needs_passphrase(head) and not connection.value("private_key_file_pwd"):
        raise SettingsError(
            f"the private key {file} is encrypted, and nothing gives its passphrase",
            remedy="set PRIVATE_KEY_PASSPHRASE",
        )


def _check_provider(connection: ConnectionSettings) -> None:
    providers = ("AWS", "AZURE", "GCP", "OIDC")
    provider = connection.get("workload_identity_provider").upper()
    if provider not in providers:
        raise SettingsError(
            f"workload_identity_provider cannot be {provider!r}",
            remedy=nearest(provider, providers),
        )
    if provider == "OIDC" and not any(connection.value(k) for k in ("token", "token_file_path")):
        raise SettingsError(
            "signing in by workload identity with OIDC needs the provider's token",
            remedy="give SNOWFLAKE_TOKEN, or SNOWFLAKE_TOKEN_FILE_PATH",
        )


def _token(file: Path, connection: ConnectionSettings) -> str:
    try:
        token = file.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        found = connection.value("token_file_path")
        inside = connection.in_container and found and found.level is Level.CONTAINER
        raise SettingsError(
            f"the token {file} cannot be read: {why}",
            remedy="run it as a service or job; the platform writes this file"
            if inside
            else "let what gives you the token write that file",
        ) from None
    if not token:
        raise SettingsError(f"the token {file} is empty", remedy="write the token into it")
    return token


def _der(text: str, passphrase: str | None, connection: ConnectionSettings) -> bytes:
    from cryptography.hazmat.primitives import serialization

    pem = text.replace("\\n", "\n").encode()
    secret = passphrase.encode() if passphrase and needs_passphrase(pem) else None
    try:
        key = serialization.load_pem_private_key(pem, secret)
    except (ValueError, TypeError):
        found = connection.value("private_key_raw")
        raise SettingsError(
            f"private_key_raw ({found.origin if found else ''}) cannot be read as a key",
            remedy="give the whole PEM text, and PRIVATE_KEY_PASSPHRASE where it is encrypted",
        ) from None
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
