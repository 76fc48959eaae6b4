"""Environments in an account: each is a database whose comment says what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sf_ml_framework.environments import Environment, in_comment
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.names import literal

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account


_FORMAT = "'YYYY-MM-DD\"T\"HH24:MI:SS'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One environment, and the database that it is."""

    database: str
    owner: str
    environment: Environment


def environments_of(account: Account, database: str = "") -> Iterator[Made]:
    """Yield the environments that the role may see, or the one that is *database*."""
    like = f" LIKE {literal(database)}" if database else ""
    for row in account.rows(f"SHOW DATABASES{like}"):
        found = in_comment(str(row.get("comment") or ""))
        if found is not None and (not database or row["name"] == database):
            yield Made(database=row["name"], owner=str(row["owner"]), environment=found)


def say(account: Account, database: str, environment: Environment) -> None:
    """Let the comment of *database* be what is known of *environment*."""
    account.execute(
        f"ALTER DATABASE {quoted(database)} SET COMMENT = {literal(environment.comment)}"
    )


def account_now(account: Account, plus_seconds: int = 0) -> str:
    """Return the account's time, UTC in ISO 8601, or what it will be then."""
    rows = account.rows(
        f"SELECT TO_VARCHAR(DATEADD(SECOND, ?, SYSDATE()), {_FORMAT}) AS at", (plus_seconds,)
    )
    return f"{rows[0]['at']}Z"
