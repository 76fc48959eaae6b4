"""Who came in, and who may what: LOGIN_HISTORY, USERS, ROLES, GRANTS_TO_*, COMPUTE_POOLS, SERVICES.

Source: Snowflake, the ACCOUNT_USAGE views of these names. What was dropped is not told here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..names import parts_of
from ..results import ResultSet, rows

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_LOGINS = ["EVENT_ID fixed", "EVENT_TIMESTAMP timestamp_ltz", "EVENT_TYPE", "USER_NAME"]
_LOGINS += ["CLIENT_IP", "REPORTED_CLIENT_TYPE", "REPORTED_CLIENT_VERSION"]
_LOGINS += ["FIRST_AUTHENTICATION_FACTOR", "SECOND_AUTHENTICATION_FACTOR", "IS_SUCCESS"]
_LOGINS += ["ERROR_CODE fixed", "ERROR_MESSAGE"]
_USERS = ["USER_ID fixed", "NAME", "CREATED_ON timestamp_ltz", "DELETED_ON timestamp_ltz"]
_USERS += ["LOGIN_NAME", "EMAIL", "DISABLED", "DEFAULT_WAREHOUSE", "DEFAULT_ROLE", "TYPE", "OWNER"]
_ROLES = ["ROLE_ID fixed", "CREATED_ON timestamp_ltz", "DELETED_ON timestamp_ltz", "NAME"]
_ROLES += ["COMMENT", "OWNER", "ROLE_TYPE"]
_GRANTS = ["CREATED_ON timestamp_ltz", "MODIFIED_ON timestamp_ltz", "PRIVILEGE", "GRANTED_ON"]
_GRANTS += ["NAME", "TABLE_CATALOG", "TABLE_SCHEMA", "GRANTED_TO", "GRANTEE_NAME"]
_GRANTS += ["GRANT_OPTION boolean", "GRANTED_BY", "DELETED_ON timestamp_ltz"]
_HELD = ["CREATED_ON timestamp_ltz", "DELETED_ON timestamp_ltz", "ROLE", "GRANTED_TO"]
_HELD += ["GRANTEE_NAME", "GRANTED_BY"]
_POOLS = ["NAME", "ID fixed", "IS_SUSPENDED boolean", "MIN_NODES fixed", "MAX_NODES fixed"]
_POOLS += ["INSTANCE_FAMILY", "AUTO_SUSPEND_SECS fixed", "AUTO_RESUME boolean"]
_POOLS += ["CREATED timestamp_ltz", "LAST_RESUMED timestamp_ltz", "LAST_ALTERED timestamp_ltz"]
_POOLS += ["DELETED timestamp_ltz", "OWNER", "OWNER_ROLE_TYPE", "IS_EXCLUSIVE boolean"]
_POOLS += ["APPLICATION_NAME", "COMMENT"]
_SERVICES = ["SERVICE_ID fixed", "SERVICE_NAME", "SERVICE_CATALOG", "SERVICE_SCHEMA"]
_SERVICES += ["SERVICE_OWNER", "SERVICE_OWNER_ROLE_TYPE", "COMPUTE_POOL_NAME"]
_SERVICES += ["CREATED timestamp_ltz", "DELETED timestamp_ltz", "IS_JOB boolean"]


def install(account: Account) -> None:
    """Register the views and functions."""
    for name, columns, provide in (
        ("LOGIN_HISTORY", _LOGINS, logins),
        ("USERS", _USERS, users),
        ("ROLES", _ROLES, roles),
        ("GRANTS_TO_ROLES", _GRANTS, grants),
        ("GRANTS_TO_USERS", _HELD, held),
        ("COMPUTE_POOLS", _POOLS, pools),
        ("SERVICES", _SERVICES, services),
    ):
        account.view(f"SNOWFLAKE.ACCOUNT_USAGE.{name}", _view(account, columns, provide))
    account.table_function("LOGIN_HISTORY", _logins(account))
    account.table_function("LOGIN_HISTORY_BY_USER", _logins(account))


def _view(account: Account, columns: list[str], provide: Any) -> Any:
    return lambda session, database: rows(columns, provide(account))


def _logins(account: Account) -> Any:
    """Return the function; it shows one's own logins. Source: "LOGIN_HISTORY", usage notes."""

    def call(session: Session, args: list[Any], named: dict[str, Any]) -> ResultSet:
        whole = account.access.globally(session, "MONITOR SECURITY")
        wanted = str(named.get("USER_NAME", session.user)).upper()
        limit = int(named.get("RESULT_LIMIT", 100))
        by_user = "USER_NAME" in named or not whole
        found = [row for row in logins(account) if not by_user or row[3] == wanted]
        return rows(_LOGINS, found[::-1][:limit])

    return call


def logins(account: Account) -> list[tuple[Any, ...]]:
    """Return every attempt to log in, oldest first."""
    return [
        (
            row[0],
            datetime.fromisoformat(row[1]),
            "LOGIN",
            row[2],
            row[3],
            row[4],
            row[5],
            row[6],
            None,
            "NO" if row[7] else "YES",
            row[7],
            row[8],
        )
        for row in account.catalog.execute("select * from login_history order by id")
    ]


def users(account: Account) -> Iterable[tuple[Any, ...]]:
    """Yield the users."""
    for entry in account.catalog.all("USER"):
        found = entry.properties
        yield (
            entry.id,
            entry.name,
            entry.created_on,
            None,
            found.get("LOGIN_NAME", entry.name),
            found.get("EMAIL"),
            str(bool(found.get("DISABLED"))).lower(),
            found.get("DEFAULT_WAREHOUSE"),
            found.get("DEFAULT_ROLE"),
            found.get("TYPE"),
            entry.owner,
        )


def roles(account: Account) -> Iterable[tuple[Any, ...]]:
    """Yield the account roles and database roles."""
    for kind in ("ROLE", "DATABASE ROLE"):
        for entry in account.catalog.all(kind):
            label = kind.replace(" ", "_")
            yield entry.id, entry.created_on, None, entry.name, entry.comment, entry.owner, label


def grants(account: Account) -> Iterable[tuple[Any, ...]]:
    """Yield the grants to roles."""
    for row in account.catalog.execute(
        "select created_on, privilege, on_kind, on_name, to_kind, to_name, grant_option, "
        "granted_by from grants where to_kind <> 'USER' and on_kind not like 'FUTURE %'"
    ):
        at = datetime.fromisoformat(row[0])
        parts = parts_of(row[3]) if row[2] != "ACCOUNT" else (row[3],)
        database = parts[0] if len(parts) > 1 else None
        schema = parts[1] if len(parts) == 3 else None
        kind = row[2].replace(" ", "_")
        to = row[4].replace(" ", "_")
        name = parts_of(row[5])[-1]
        yield (
            at,
            at,
            row[1],
            kind,
            parts[-1],
            database,
            schema,
            to,
            name,
            bool(row[6]),
            row[7],
            None,
        )


def held(account: Account) -> Iterable[tuple[Any, ...]]:
    """Yield the roles that users hold."""
    for created, role, user, by in account.catalog.execute(
        "select created_on, on_name, to_name, granted_by from grants "
        "where to_kind = 'USER' and on_kind = 'ROLE'"
    ):
        at = datetime.fromisoformat(created)
        yield at, None, parts_of(role)[-1], "USER", parts_of(user)[-1], by


def pools(account: Account) -> Iterable[tuple[Any, ...]]:
    """Yield the compute pools."""
    from ..services.pooling import Pools

    known = account.part(Pools)
    for entry in account.catalog.all("COMPUTE POOL"):
        found = entry.properties
        since, updated = (datetime.fromisoformat(found[key]) for key in ("since", "updated"))
        suspended = known.state(entry) in {"SUSPENDED", "STOPPING"}
        yield (
            *(entry.name, entry.id, suspended, found.get("MIN_NODES"), found.get("MAX_NODES")),
            *(found.get("INSTANCE_FAMILY"), found.get("AUTO_SUSPEND_SECS", 3600)),
            *(bool(found.get("AUTO_RESUME", True)), entry.created_on, since, updated, None),
            *(entry.owner, "ROLE", False, None, entry.comment),
        )


def services(account: Account) -> Iterable[tuple[Any, ...]]:
    """Yield the services and jobs, those that are gone too."""
    for (
        number,
        name,
        database,
        schema,
        owner,
        pool,
        created,
        deleted,
        job,
    ) in account.catalog.execute(
        "select id, name, database, schema, owner, pool, created, deleted, job "
        "from service_history order by id"
    ):
        gone = datetime.fromisoformat(deleted) if deleted else None
        at = datetime.fromisoformat(created)
        yield number, name, database, schema, owner, "ROLE", pool, at, gone, bool(job)
