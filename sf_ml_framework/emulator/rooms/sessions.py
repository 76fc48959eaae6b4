"""USE, ALTER SESSION, SET, and the context functions.

Source: Snowflake, "USE <object>", "ALTER SESSION", "SQL variables", "Context functions", "SHOW
PARAMETERS".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, cannot_perform, invalid, unexpected
from ..login import SERVER_VERSION, roles_of
from ..names import Path, quoted
from ..parameters import SESSION_PARAMETERS, checked
from ..queries import CURRENT
from ..registry import Call, Scope
from ..results import ResultSet, done
from ..tasks import definition, shown
from . import users

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

VARIABLE_SIZE = 16384


def install(account: Account) -> None:
    """Register the statements and functions."""
    account.statement("USE ROLE", use_role)
    account.statement("USE SECONDARY ROLES", use_secondary_roles)
    account.statement("USE WAREHOUSE", use_warehouse)
    account.statement("USE DATABASE", use_database)
    account.statement("USE [SCHEMA]", use_schema)
    account.statement("ALTER SESSION SET", alter_session)
    account.statement("ALTER SESSION UNSET", unset_session)
    account.statement("SET", set_variable)
    account.statement("UNSET", unset_variable)
    columns = ["key", "value", "default", "level", "description", "type"]
    account.show("PARAMETERS", columns, parameters)
    account.show("VARIABLES", ["session_id fixed", "name", "value", "type"], variables)
    _context(account)


def _context(account: Account) -> None:
    constants: dict[str, Any] = {
        "CURRENT_ROLE": lambda s: s.role,
        "CURRENT_USER": lambda s: s.user,
        "CURRENT_WAREHOUSE": lambda s: s.warehouse,
        "CURRENT_DATABASE": lambda s: s.database,
        "CURRENT_SCHEMA": lambda s: s.schema,
        "CURRENT_SCHEMAS": lambda s: json.dumps([f"{s.database}.{s.schema}"] if s.schema else []),
        "CURRENT_ACCOUNT": lambda s: account.name,
        "CURRENT_ACCOUNT_NAME": lambda s: account.name,
        "CURRENT_ORGANIZATION_NAME": lambda s: "EMULATOR_ORG",
        "CURRENT_REGION": lambda s: "PUBLIC.AWS_US_WEST_2",
        "CURRENT_SESSION": lambda s: str(s.id),
        "CURRENT_CLIENT": lambda s: "PythonConnector",
        "CURRENT_VERSION": lambda s: SERVER_VERSION,
        "CURRENT_STATEMENT": lambda s: q.text if (q := CURRENT.get()) else None,
        "CURRENT_IP_ADDRESS": lambda s: str(s.facts.get("address", "127.0.0.1")),
        "LAST_QUERY_ID": _last_query,
        "GETVARIABLE": lambda s, name: s.variables.get(str(name).upper()),
        **_roles(account),
    }
    for name, call in constants.items():
        account.function(name, call)


def _roles(account: Account) -> dict[str, Any]:
    def available(session: Session) -> str:
        return json.dumps(sorted(roles_of(account, session.user)))

    def in_session(session: Session, role: object) -> bool:
        return ("ROLE", quoted(str(role))) in account.access.active(session)

    def secondary(session: Session) -> str:
        value = session.secondary_roles
        held = sorted(roles_of(account, session.user))
        active = {"ALL": held, "NONE": []}.get(value, value.split(","))
        return json.dumps({"roles": ",".join(active), "value": value})

    return {
        "CURRENT_ROLE_TYPE": lambda s: "ROLE",
        "CURRENT_SECONDARY_ROLES": secondary,
        "CURRENT_AVAILABLE_ROLES": available,
        "IS_ROLE_IN_SESSION": in_session,
    }


def _last_query(session: Session, number: int = -1) -> str | None:
    ids = session.query_ids
    try:
        return ids[int(number)] if int(number) < 0 else ids[int(number) - 1]
    except IndexError:
        return None


def use_role(call: Call) -> ResultSet:
    """Change the role to one that the user holds."""
    parts = call.reader.name()
    call.reader.end()
    if parts[0] not in roles_of(call.account, call.session.user):
        if call.account.catalog.find("ROLE", Path("", "", parts[0])) is None:
            raise cannot_perform()
        raise _not_assigned(parts[0])
    call.session.role = parts[0]
    return done()


def use_secondary_roles(call: Call) -> ResultSet:
    """Change the secondary roles: ALL, NONE or a list."""
    reader, session = call.reader, call.session
    if reader.peek().word in {"ALL", "NONE"} and reader.peek(1).text == "":
        session.secondary_roles = reader.next().word
        return done()
    held = roles_of(call.account, session.user)
    wanted = [reader.name()[0]]
    while reader.accept(","):
        wanted.append(reader.name()[0])
    reader.end()
    for name in wanted:
        if name not in held:
            raise _not_assigned(name)
    session.secondary_roles = ",".join(wanted)
    return done()


def _not_assigned(name: str) -> SnowflakeError:
    return SnowflakeError(
        f"SQL access control error:\nRequested role '{quoted(name)}' is not assigned to "
        "the executing user. Specify another role to activate.",
        number=3013,
        state="42501",
    )


def use_warehouse(call: Call) -> ResultSet:
    """Change the warehouse."""
    parts = call.reader.name()
    call.reader.end()
    path = Path("", "", parts[0])
    if call.account.catalog.find("WAREHOUSE", path) is None:
        raise cannot_perform()
    call.session.warehouse = parts[0]
    return done()


def use_database(call: Call) -> ResultSet:
    """Change the database; its PUBLIC schema becomes current, if there is one."""
    parts = call.reader.name()
    call.reader.end()
    catalog = call.account.catalog
    path = Path("", "", parts[0])
    if len(parts) != 1 or catalog.find("DATABASE", path) is None:
        raise cannot_perform()
    if not call.account.access.uses(call.session, "DATABASE", path):
        raise cannot_perform()
    public = catalog.find("SCHEMA", Path(parts[0], "", "PUBLIC"))
    call.session.connection.use(parts[0], "PUBLIC" if public else None)
    return done()


def use_schema(call: Call) -> ResultSet:
    """Change the schema, or with a bare USE the database."""
    catalog = call.account.catalog
    start = call.reader.at
    parts = call.reader.name()
    call.reader.end()
    bare = "SCHEMA" not in call.flags
    if bare and len(parts) == 1 and catalog.find("DATABASE", Path("", "", parts[0])):
        call.reader.at = start
        return use_database(call)
    path = call.session.resolve_schema(parts, "USE SCHEMA")
    if path.name != "INFORMATION_SCHEMA" and catalog.find("SCHEMA", path) is None:
        raise cannot_perform()
    database = Path("", "", path.database)
    uses = call.account.access.uses
    if not uses(call.session, "DATABASE", database) or not uses(call.session, "SCHEMA", path):
        raise cannot_perform()
    call.session.connection.use(path.database, path.name)
    return done()


def alter_session(call: Call) -> ResultSet:
    """Set session parameters; an unknown one is refused."""
    for key, value in call.reader.properties().items():
        if key not in SESSION_PARAMETERS:
            raise invalid(f"invalid parameter '{key}'")
        call.session.parameters[key] = checked(key, value)
        if key == "AUTOCOMMIT" and call.session.parameters[key]:
            call.account.router.commit(call.session)
    return done()


def unset_session(call: Call) -> ResultSet:
    """Unset session parameters."""
    names = []
    while not call.reader.done:
        key = call.reader.next().text.upper()
        if key not in SESSION_PARAMETERS:
            raise invalid(f"invalid parameter '{key}'")
        names.append(key)
        call.reader.accept(",")
    for name in names:
        call.session.parameters.pop(name, None)
    return done()


def set_variable(call: Call) -> ResultSet:
    """Run ``SET x = expr`` or ``SET (x, y) = (expr, expr)``."""
    reader = call.reader
    names = []
    if reader.accept("("):
        while not reader.accept(")"):
            names.append(reader.name()[0])
            reader.accept(",")
        reader.expect("=")
        values = call.account.router.run(call.session, f"SELECT {reader.bracketed()}").rows[0]
    else:
        names.append(reader.name()[0])
        reader.expect("=")
        if reader.done:
            raise unexpected("<EOF>")
        values = call.account.router.run(call.session, f"SELECT ({reader.rest()})").rows[0]
    if len(names) != len(values):
        raise invalid("the numbers of variables and of values differ")
    for name, value in zip(names, values, strict=True):
        if isinstance(value, str) and len(value.encode()) > VARIABLE_SIZE:
            raise invalid(f"Assignment to '{name}' not done because value exceeds size limit")
        from decimal import Decimal

        call.session.variables[name] = float(value) if isinstance(value, Decimal) else value
    return done()


def unset_variable(call: Call) -> ResultSet:
    """Unset variables."""
    reader = call.reader
    several = reader.accept("(")
    names = [reader.name()[0]]
    while several and reader.accept(","):
        names.append(reader.name()[0])
    if several:
        reader.expect(")")
    reader.end()
    for name in names:
        call.session.variables.pop(name, None)
    return done()


def parameters(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the parameters of a task, or else of the session."""
    if scope.kind == "TASK":
        yield from shown.parameters(definition.find(call.account, scope.path))
        return
    if scope.kind == "USER":
        yield from users.parameters(call, scope.path.name)
        return
    for name, default in SESSION_PARAMETERS.items():
        value = call.session.parameters.get(name, default)
        kind = {bool: "BOOLEAN", int: "NUMBER"}.get(type(default), "STRING")
        yield {
            "key": name,
            "value": str(value).lower() if isinstance(value, bool) else str(value),
            "default": str(default).lower() if isinstance(default, bool) else str(default),
            "level": "SESSION" if name in call.session.parameters else "",
            "description": "",
            "type": kind,
        }
    if scope.kind == "ACCOUNT" and call.reader.tokens[-1].word == "ACCOUNT":
        # Of the account's own parameters only the one that clients ask for.
        found = dict.fromkeys(("value", "default"), "snowflake.telemetry.events")
        yield {"key": "EVENT_TABLE", **found, "level": "", "description": "", "type": "STRING"}


def variables(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the session variables."""
    for name, value in call.session.variables.items():
        kind = "fixed" if isinstance(value, int) else "real" if isinstance(value, float) else "text"
        yield {"session_id": call.session.id, "name": name, "value": str(value), "type": kind}
