"""What is known of a connection: each value with where it came from, secrets wrapped."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NoReturn

import msgspec


class Secret:
    """A text that shows itself to nobody who did not ask for it by ``reveal``.

    It has no readable form, is not pickled and not encoded: what writes records cannot leak it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text; only what signs in calls this."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")


class Level(IntEnum):
    """Where a value came from; the smaller wins."""

    FLAG = 0
    NAMED_VARIABLE = 1
    """``SNOWFLAKE_CONNECTIONS_<NAME>_<KEY>`` of the environment."""
    VARIABLE = 2
    """``SNOWFLAKE_<KEY>`` of the environment."""
    DOTENV = 3
    CONNECTIONS_FILE = 4
    CONFIG_FILE = 5
    CONTAINER = 6
    """What the platform itself gives to a container."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One value and its origin."""

    key: str
    text: str | Secret
    level: Level
    origin: str
    """For a person: the flag, the variable or the file."""

    @property
    def plain(self) -> str:
        """The text itself, also of a secret."""
        return self.text.reveal() if isinstance(self.text, Secret) else self.text

    @property
    def shown(self) -> str:
        """The text as it may be shown."""
        return str(self.text)


SECRETS = frozenset(
    {"password", "passcode", "token", "private_key_file_pwd", "private_key_raw"}
    | {"oauth_client_secret", "proxy_password"}
)
"""Keys whose values nobody may see."""

CREDENTIALS = SECRETS | {"private_key_file", "token_file_path"}
"""Keys that prove who one is."""

TWO_FORMS = (("private_key_raw", "private_key_file"), ("token_file_path", "token"))
"""Keys that give one credential in two forms; where one place gives both, the first wins."""

NUMBERS = frozenset({"port", "proxy_port", "login_timeout", "network_timeout", "socket_timeout"})

KEYS = (
    CREDENTIALS
    | NUMBERS
    | {"account", "user", "role", "warehouse", "database", "schema", "secondary_roles"}
    | {"host", "protocol", "region", "authenticator", "proxy_host", "proxy_user", "no_proxy"}
    | {"workload_identity_provider", "workload_identity_entra_resource"}
    | {"oauth_client_id", "oauth_token_request_url", "oauth_authorization_url", "oauth_scope"}
    | {"oauth_redirect_uri", "passcode_in_password", "client_store_temporary_credential"}
)
"""Every key that is taken. Source: connector 4.8, ``DEFAULT_CONFIGURATION``; Snowflake CLI."""

ALIASES = {
    "private_key_path": "private_key_file",
    "private_key_passphrase": "private_key_file_pwd",
    "token_file": "token_file_path",
    "username": "user",
    "database_name": "database",
    "schema_name": "schema",
    "warehouse_name": "warehouse",
    "role_name": "role",
}
"""Other spellings. Source: Snowflake CLI and snowflake-ml 2.6, ``connection_params.py``."""

SESSION_TOKEN = "/snowflake/session/token"  # noqa: S105 -- a path
"""Where a container finds its token. Source: "Snowpark Container Services: connecting"."""


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One connection, as it was put together."""

    values: tuple[Value, ...]
    """The values that won, one for each key, by key."""
    name: str = ""
    """The connection's name in the files and variables; empty where only values were given."""
    named_by: str = ""
    """What named it; empty where it is the default."""
    given: bool = False
    """Whether this call asked for it: by a flag, a variable, ``.env``, or from a container.

    A connection that only stands in a file of the home directory is used by the commands that need
    an account, and by no others.
    """
    in_container: bool = False
    unused: tuple[Value, ...] = ()
    """Values that another one stands before, or that may not go to this account."""
    warnings: tuple[str, ...] = ()

    def value(self, key: str) -> Value | None:
        """Return the value of *key*, with its origin."""
        return next((value for value in self.values if value.key == key), None)

    def get(self, key: str) -> str:
        """Return the text of *key*, empty where nothing says it.

        Raises:
            ValueError: it is a secret; those are handed to the client alone.
        """
        if key in SECRETS:
            raise ValueError(f"{key} is a secret")
        found = self.value(key)
        return found.plain if found else ""

    @property
    def account(self) -> str:
        """The account's identifier."""
        return self.get("account")

    @property
    def address(self) -> str:
        """Where requests go, ``host`` or ``host:port``."""
        host = self.get("host") or f"{self.account.lower()}.snowflakecomputing.com"
        port = self.get("port")
        return f"{host}:{port}" if port else host

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that may be shown nowhere, the longest first."""
        found = {value.plain for value in self.values if isinstance(value.text, Secret)}
        return tuple(sorted((text for text in found if text), key=len, reverse=True))

    def masked(self, text: str) -> str:
        """Return *text* with every secret of this connection covered."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def as_value(key: str, text: Any, level: Level, origin: str) -> Value:
    """Return a value, wrapped when it is a secret."""
    written = str(text)
    return Value(
        key=key,
        text=Secret(written) if key in SECRETS else written,
        level=level,
        origin=origin,
    )
