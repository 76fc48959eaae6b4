"""Secrets of an account: made, changed, listed, dropped; their values are sent and never read.

CREATE and ALTER SECRET take no binds, so that a value is a literal in the statement. Snowflake
shows it in no history (``SECRET_STRING = '☺☺☺☺☺'``); ``shown_by_history`` looks whether that holds.
While a statement has a value in it, errors and the clients' logs are kept clear of it.

Source: Snowflake, "CREATE SECRET", "ALTER SECRET", "SHOW SECRETS", "SHOW GRANTS".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.places.snowflake.standing import named, qualified
from sf_ml_framework.plan.quoting import literal, name

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

Kind = Literal["GENERIC_STRING", "PASSWORD"]

LONGEST = 256 * 1024
"""Bytes of a value. Source: "CREATE SECRET", SECRET_STRING."""

_SET = re.compile(r"set by mlops (\S+)(?: by (.*))?")


class StandingSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What may be known of a secret: everything but what it holds."""

    name: str
    """Qualified."""
    kind: str
    owner: str
    created: str
    changed: str = ""
    """When ``mlops secrets set`` last gave it a value, ISO 8601; empty where something else did."""


class Secrets:
    """The secrets that one role may see."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def in_schema(self, schema: str) -> list[StandingSecret]:
        """Return the secrets of ``DB.SCHEMA`` by name.

        Raises:
            OperatorError: there is no such schema, or the role may not see it.
        """
        rows = self._account.rows(f"SHOW SECRETS IN SCHEMA {qualified(schema)}")
        return [_standing(row) for row in sorted(rows, key=lambda row: str(row["name"]))]

    def find(self, secret: str) -> StandingSecret | None:
        """Return the secret ``DB.SCHEMA.NAME``; none where there is none that may be seen."""
        schema, _, bare = secret.rpartition(".")
        row = named(self._account, "SECRETS", bare, f"IN SCHEMA {qualified(schema)}")
        return _standing(row) if row else None

    def readers(self, secret: str) -> list[str]:
        """Return the roles that may read it, its owner first.

        Raises:
            OperatorError: the role may not know.
        """
        rows = self._account.rows(f"SHOW GRANTS ON SECRET {qualified(secret)}")
        reads = {"OWNERSHIP": 0, "READ": 1, "USAGE": 1}
        found = {
            str(row["grantee_name"]): reads[str(row["privilege"])]
            for row in sorted(rows, key=lambda row: str(row["grantee_name"]))
            if row["privilege"] in reads
        }
        return sorted(found, key=found.__getitem__)

    def put(self, secret: str, kind: Kind, values: Mapping[str, str]) -> tuple[bool, str]:
        """Give a secret its values, and make it where there is none.

        Args:
            secret: ``DB.SCHEMA.NAME``.
            kind: of a secret that stands it is not changed.
            values: its properties, such as ``SECRET_STRING``.

        Returns:
            Whether it is new, and the id of the statement.

        Raises:
            OperatorError: it was refused, or another kind stands; nothing was changed.
        """
        found = self.find(secret)
        if found is not None and found.kind != kind:
            raise OperatorError(
                f"secret {secret} stands as {found.kind}, and its type cannot be changed to {kind}",
                remedy=f"drop it first, which takes its grants too: DROP SECRET {secret}",
            )
        user = str(self._account.rows("SELECT CURRENT_USER() AS name")[0]["name"])
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        given = {**values, "COMMENT": f"set by mlops {now} by {user}"}
        properties = " ".join(f"{key} = {literal(value)}" for key, value in given.items())
        if found is None:
            sql = f"CREATE SECRET {name(secret)} TYPE = {kind} {properties}"
        else:
            sql = f"ALTER SECRET {name(secret)} SET {properties}"
        with self._account.hiding(*_written(values.values())):
            return found is None, self._account.execute(sql)

    def allow(self, secret: str, role: str) -> None:
        """Let *role* read it."""
        self._account.execute(f"GRANT READ ON SECRET {name(secret)} TO ROLE {name(role)}")

    def remove(self, secret: str) -> None:
        """Drop it, with its value and its grants."""
        self._account.execute(f"DROP SECRET IF EXISTS {name(secret)}")

    def shown_by_history(self, query_id: str, values: Iterable[str]) -> bool:
        """Say whether the account's history shows any of *values* in that statement.

        The values are compared here, and not sent again.

        Raises:
            OperatorError: the statement is in no history that the role may read.
        """
        rows = self._account.rows(
            "SELECT query_text FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION("
            "RESULT_LIMIT => 100)) WHERE query_id = ?",
            [query_id],
        )
        if not rows:
            raise OperatorError(
                f"the history does not have statement {query_id} yet",
                remedy="look for it later in SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY",
            )
        text = str(rows[0]["query_text"])
        return any(value in text for value in _written(values))


def _written(values: Iterable[str]) -> list[str]:
    """Return *values* as they are, and as they stand in a statement."""
    found = {form for value in values for form in (value, literal(value)[1:-1])}
    return sorted(found - {""}, key=len, reverse=True)


def _standing(row: Mapping[str, object]) -> StandingSecret:
    told = _SET.match(str(row.get("comment") or ""))
    return StandingSecret(
        name=f"{row['database_name']}.{row['schema_name']}.{row['name']}",
        kind=str(row["secret_type"]),
        owner=str(row["owner"] or ""),
        created=_moment(row["created_on"]),
        changed=told[1] if told else "",
    )


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)
