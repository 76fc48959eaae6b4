"""The two public keys of a user. Implements ``deploy/key_rotation.py::KeyRegister``.

Source: Snowflake, "ALTER USER", "DESCRIBE USER", "Key-pair authentication and key-pair rotation".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec

from sf_ml_framework.connection.values import Level, as_value
from sf_ml_framework.deploy.key_rotation import Slot, SlotName
from sf_ml_framework.errors import OperatorError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.errors import AccessDeniedError
from sf_ml_framework.plan.quoting import literal

if TYPE_CHECKING:
    from sf_ml_framework.connection import ConnectionSettings
    from sf_ml_framework.connection.key_files import PublicKey
    from sf_ml_framework.places.snowflake.session import Account

SLOTS: tuple[SlotName, ...] = get_args(SlotName)


_ADDRESS = frozenset(
    {"account", "host", "port", "protocol", "region", "proxy_host", "proxy_port", "proxy_user"}
    | {"proxy_password", "no_proxy", "login_timeout", "network_timeout", "socket_timeout"}
)


class UserKeys:
    """The keys of one user, seen and changed by whoever may.

    Args:
        account: whose role owns the user, or has MODIFY PROGRAMMATIC AUTHENTICATION METHODS on it.
        user: as Snowflake keeps the name.
    """

    def __init__(self, account: Account, user: str) -> None:
        self._account = account
        self._user = user

    def slots(self) -> tuple[Slot, ...]:
        """Return both slots.

        Raises:
            OperatorError: there is no such user, or the role may not see it.
        """
        rows = self._account.rows(f"DESCRIBE USER {quoted(self._user)}")
        told = {str(row["property"]).upper(): row["value"] for row in rows}
        return tuple(
            Slot(
                name=name,
                fingerprint=_told(told.get(f"{name}_FP")),
                set_at=_moment(_told(told.get(f"{name}_LAST_SET_TIME"))),
            )
            for name in SLOTS
        )

    def register(self, slot: SlotName, public: PublicKey) -> None:
        """Put a public key into a slot.

        Raises:
            OperatorError: the role may not, or the key is refused.
        """
        self._change(f"SET {slot} = {literal(public.body)}")

    def unset(self, slot: SlotName) -> None:
        """Empty a slot.

        Raises:
            OperatorError: the role may not.
        """
        self._change(f"UNSET {slot}")

    def _change(self, what: str) -> None:
        try:
            self._account.execute(f"ALTER USER {quoted(self._user)} {what}")
        except AccessDeniedError as error:
            raise OperatorError(
                f"role {self._account.role} may not change the keys of {self._user}",
                remedy="run it as an administrator, or once: GRANT MODIFY PROGRAMMATIC"
                f" AUTHENTICATION METHODS ON USER {self._user} TO ROLE {self._account.role}",
            ) from error

    def prove(self, file: Path, passphrase: str) -> None:
        """Sign in as the user with a private key, and ask who it is.

        Raises:
            OperatorError: it is not let in, or somebody else came in.
        """
        from sf_ml_framework.places.snowflake.session import Account

        account = Account(signing_in(self._account.settings, self._user, file, passphrase))
        try:
            came = str(account.rows("SELECT CURRENT_USER() AS name")[0]["name"])
        finally:
            account.close()
        if came != self._user:
            raise OperatorError(
                f"the key signs in as {came}, and not as {self._user}",
                remedy=f"look at LOGIN_NAME of both: DESCRIBE USER {self._user}",
            )


def signing_in(
    settings: ConnectionSettings, user: str, file: Path, passphrase: str
) -> ConnectionSettings:
    """Return the connection to the same account by another key; nothing else of how it signs in."""
    given = {"user": user, "private_key_file": str(file), "authenticator": "SNOWFLAKE_JWT"}
    if passphrase:
        given["private_key_file_pwd"] = passphrase
    values = [value for value in settings.values if value.key in _ADDRESS]
    values += [as_value(key, text, Level.FLAG, "the new key") for key, text in given.items()]
    return msgspec.structs.replace(
        settings, values=tuple(sorted(values, key=lambda v: v.key)), unused=(), in_container=False
    )


def _told(value: object) -> str:
    return "" if value is None or str(value).lower() in ("null", "") else str(value)


def _moment(text: str) -> str:
    """Return a time of DESCRIBE USER as ISO 8601; its zone is the account's, and is not told."""
    found = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)", text)
    return f"{found[1]}T{found[2]}" if found else ""
