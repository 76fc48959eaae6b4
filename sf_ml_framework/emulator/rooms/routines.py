"""CREATE, ALTER, DROP, SHOW and DESCRIBE of functions and procedures.

Source: Snowflake, "CREATE FUNCTION", "CREATE PROCEDURE", "ALTER FUNCTION", "ALTER PROCEDURE", "DROP
FUNCTION", "SHOW USER FUNCTIONS", "SHOW PROCEDURES", "DESCRIBE FUNCTION", "DESCRIBE PROCEDURE";
Snowpark 1.56, ``Session._infer_is_return_table``: the second property is what it returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ..authored import kinds
from ..authored.imports import found as imported
from ..authored.packages import check_packages, check_runtime
from ..authored.routine import Routine, Routines
from ..authored.statement import routine as read_routine
from ..faults import SnowflakeError, invalid, not_found
from ..names import Path
from ..registry import Call, Scope
from ..results import ResultSet, done, status
from ..sandbox.workers import Workers
from .showing import object_name

if TYPE_CHECKING:
    from ..account import Account

_SHOWN = ["created_on timestamp_ltz", "name", "schema_name", "is_builtin", "is_aggregate"]
_SHOWN += ["is_ansi", "min_num_arguments fixed", "max_num_arguments fixed", "arguments"]
_SHOWN += ["description", "catalog_name", "is_table_function", "valid_for_clustering"]
_SHOWN += ["is_secure", "secrets", "external_access_integrations", "is_external_function"]
_SHOWN += ["language", "is_memoizable", "is_data_metric"]
_PROCEDURES = [*_SHOWN[:16]]
_KINDS = ("FUNCTION", "PROCEDURE")


def install(account: Account) -> None:
    """Register the statements."""
    account.statement(
        "CREATE [OR REPLACE] [TEMPORARY|TEMP] [SECURE] [AGGREGATE] FUNCTION [IF NOT EXISTS]",
        lambda call: create(call, "FUNCTION"),
    )
    account.statement(
        "CREATE [OR REPLACE] [TEMPORARY|TEMP] [SECURE] PROCEDURE [IF NOT EXISTS]",
        lambda call: create(call, "PROCEDURE"),
    )
    for kind in _KINDS:
        account.statement(f"ALTER {kind} [IF EXISTS]", partial(alter, kind=kind))
        account.statement(f"DROP {kind} [IF EXISTS]", partial(drop, kind=kind))
        account.statement(f"COMMENT ON {kind}", partial(comment, kind=kind))
        account.describe(kind, ["property", "value"], partial(describe, kind=kind))
    for words in ("FUNCTIONS", "USER FUNCTIONS"):
        account.show(words, _SHOWN, lambda call, scope: show(call, scope, "FUNCTION"))
    for words in ("PROCEDURES", "USER PROCEDURES"):
        account.show(words, _PROCEDURES, lambda call, scope: show(call, scope, "PROCEDURE"))


def create(call: Call, kind: str) -> ResultSet:
    """Define a function or procedure."""
    path = object_name(call, kind)
    routine = read_routine(call, kind, path)
    account, session = call.account, call.session
    known = account.part(Routines).overloads(session, kind, path)
    old = next((one for one in known if one.types == routine.types), None)
    if old is not None and call.or_replace and not old.temporary:
        account.require(session, "OWNERSHIP", kind, old.stored)
    schema = Path(path.database, "", path.schema)
    account.require(session, f"CREATE {kind}", "SCHEMA", schema)
    if not routine.temporary:
        account.router.commit(session)
    check(call, routine)
    made = account.part(Routines).create(
        session, routine, replaces=call.or_replace, absent=call.if_not_exists
    )
    if kind == "PROCEDURE" and routine.language == "PYTHON":
        account.part(Workers).prepare()
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    return status(f"{kind.capitalize()} {path.name} successfully created.")


def check(call: Call, routine: Routine) -> None:
    """Refuse what could not run: packages, runtime, imports, integrations."""
    for name in routine.integrations:
        integration = Path("", "", name.upper())
        call.account.catalog.get("INTEGRATION", integration)
        call.account.require(call.session, "USAGE", "INTEGRATION", integration)
    if routine.language != "PYTHON":
        return
    check_runtime(routine.runtime)
    check_packages(routine.packages)
    imported(call.account, call.session, routine)
    if routine.kind == "PROCEDURE" and not any(
        one.startswith("snowflake-snowpark-python") for one in routine.packages
    ):
        raise invalid("Missing required package 'snowflake-snowpark-python' for a procedure.")


def _named(call: Call, kind: str, privilege: str) -> Routine | None:
    """Read ``name(types)`` and return what it names; None with IF EXISTS when there is none."""
    path = call.session.resolve(call.reader.name(), f"ALTER {kind}")
    types = kinds.read_all(call.reader)
    routines = call.account.part(Routines)
    try:
        routine = routines.get(call.session, kind, path, types)
    except SnowflakeError:
        if call.if_exists:
            return None
        raise
    if not routine.temporary:
        call.account.require(call.session, privilege, kind, routine.stored)
    return routine


def drop(call: Call, kind: str) -> ResultSet:
    """Drop one overload."""
    start = call.reader.at
    routine = _named(call, kind, "OWNERSHIP")
    call.reader.end()
    if routine is None:
        call.reader.at = start
        name = call.reader.name()[-1]
        return status(f"Drop statement executed successfully ({name} already dropped).")
    call.account.part(Routines).drop(call.session, routine)
    return status(f"{routine.path.name} successfully dropped.")


def alter(call: Call, kind: str) -> ResultSet:
    """Rename, comment, or change the rights of an overload."""
    routine = _named(call, kind, "OWNERSHIP")
    if routine is None:
        return done()
    reader, routines = call.reader, call.account.part(Routines)
    if reader.accept("RENAME", "TO"):
        new = call.session.resolve(reader.name())
        if routine.temporary:
            reader.fail()
        moved = Path(
            new.database, new.schema, routine.stored.name.replace(routine.path.name, new.name, 1)
        )
        entry = call.account.catalog.get(kind, routine.stored)
        call.account.catalog.update(entry.with_properties(name=new.name))
        call.account.catalog.rename(kind, routine.stored, moved)
    elif reader.accept("SET", "COMMENT", "="):
        routines.change(call.session, routine, comment=reader.string())
    elif reader.accept("UNSET", "COMMENT"):
        routines.change(call.session, routine, comment="")
    elif reader.accept("SET", "SECURE"):
        routines.change(call.session, routine, secure=True)
    elif reader.accept("UNSET", "SECURE"):
        routines.change(call.session, routine, secure=False)
    elif kind == "PROCEDURE" and reader.accept("EXECUTE", "AS"):
        word = reader.next().word
        if word not in {"OWNER", "CALLER"}:
            raise invalid(f"invalid value '{word}' for EXECUTE AS")
        routines.change(call.session, routine, execute_as=word)
    else:
        reader.fail()
    reader.end()
    return done()


def comment(call: Call, kind: str) -> ResultSet:
    """Run ``COMMENT ON FUNCTION f(types) IS '..'``."""
    routine = _named(call, kind, "OWNERSHIP")
    call.reader.expect("IS")
    text = call.reader.string()
    call.reader.end()
    if routine is not None:
        call.account.part(Routines).change(call.session, routine, comment=text)
    return done()


def describe(call: Call, parts: tuple[str, ...], kind: str) -> Iterable[dict[str, Any]]:
    """Yield the properties of an overload; DESCRIBE names its argument types."""
    path = call.session.resolve(parts, f"DESCRIBE {kind}")
    types = kinds.read_all(call.reader)
    routine = call.account.part(Routines).get(call.session, kind, path, types)
    if not routine.temporary and not call.account.access.sees(call.session, kind, routine.stored):
        raise not_found(kind, f"{path}({', '.join(types)})")
    nothing = "RETURNS NULL ON NULL INPUT" if routine.strict else "CALLED ON NULL INPUT"
    found = {
        "signature": routine.signature,
        "returns": routine.written_returns,
        "language": routine.language,
        "null handling": nothing,
        "volatility": "IMMUTABLE" if routine.immutable else "VOLATILE",
        **({"execute as": routine.execute_as} if kind == "PROCEDURE" else {}),
        "body": routine.body,
        **({} if routine.language == "SQL" else _python(routine)),
    }
    yield from ({"property": key, "value": value} for key, value in found.items())


def _python(routine: Routine) -> dict[str, str]:
    return {
        "imports": _written(routine.imports),
        "handler": routine.handler,
        "runtime_version": routine.runtime,
        "packages": _written(routine.packages),
        "is_aggregate": str(routine.aggregate).lower(),
    }


def _written(names: tuple[str, ...]) -> str:
    return "[" + ",".join(f"'{one}'" for one in names) + "]"


def show(call: Call, scope: Scope, kind: str) -> Iterable[dict[str, Any]]:
    """Yield the overloads in a scope."""
    for routine in call.account.part(Routines).all(call.session, kind):
        path = routine.path
        if scope.database not in {None, path.database} or scope.schema not in {None, path.schema}:
            continue
        if not routine.temporary and not call.account.access.sees(
            call.session, kind, routine.stored
        ):
            continue
        yield _row(routine)


def _row(routine: Routine) -> dict[str, Any]:
    def flag(value: bool) -> str:
        return "Y" if value else "N"

    given = ", ".join(
        t if a.default is None else f"DEFAULT {t}"
        for t, a in zip(routine.types, routine.arguments, strict=True)
    )
    return {
        "created_on": datetime.fromisoformat(routine.created),
        "name": routine.path.name,
        "schema_name": routine.path.schema,
        "is_builtin": "N",
        "is_aggregate": flag(routine.aggregate),
        "is_ansi": "N",
        "min_num_arguments": routine.required,
        "max_num_arguments": len(routine.arguments),
        "arguments": f"{routine.path.name}({given}) RETURN {routine.written_returns}",
        "description": routine.comment or f"user-defined {routine.kind.lower()}",
        "catalog_name": routine.path.database,
        "is_table_function": flag(routine.columns is not None),
        "valid_for_clustering": "N",
        "is_secure": flag(routine.secure),
        "secrets": "",
        "external_access_integrations": _written(routine.integrations),
        "is_external_function": "N",
        "language": routine.language,
        "is_memoizable": "N",
        "is_data_metric": "N",
    }
