"""SHOW and DESCRIBE for whatever other rooms register; RESULT_SCAN over either.

Source: Snowflake, "SHOW <objects>", "DESCRIBE <object>"; LIKE is case-insensitive, STARTS WITH is
not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..access import running
from ..access.listing import listed
from ..faults import cannot_perform, not_found, syntax_error, unsupported
from ..names import Path
from ..registry import Call, Scope, Shown
from ..results import DESCRIBE, SHOW, ResultSet, make_column, rows, status

if TYPE_CHECKING:
    from ..account import Account

TERSE = ("created_on", "name", "kind", "database_name", "schema_name")


def install(account: Account) -> None:
    """Register SHOW and DESCRIBE."""
    account.statement("SHOW", show, reads=True)
    account.statement("DESCRIBE|DESC", describe, reads=True)


def show(call: Call) -> ResultSet | None:
    """Run ``SHOW [TERSE] kind [LIKE ..] [IN ..] [STARTS WITH ..] [LIMIT .. [FROM ..]]``."""
    reader, registry = call.reader, call.account.registry
    terse = reader.accept("TERSE")
    kind = _kind(call, registry.shows)
    shown = registry.shows[kind]
    filters: dict[str, Any] = {}
    scope: Scope | None = None
    extra: set[str] = set()
    while not reader.done:
        if reader.accept("LIKE"):
            filters["like"] = reader.string()
        elif reader.accept("STARTS", "WITH"):
            filters["starts"] = reader.string()
        elif reader.accept("LIMIT"):
            filters["limit"] = reader.integer()
            if reader.accept("FROM"):
                filters["from"] = reader.string()
        elif reader.peek().word in {"IN", "ON", "TO", "OF"}:
            scope = _scope(call, reader.next().word)
        elif reader.accept("ROOT", "ONLY"):
            extra.add("ROOT ONLY")
        elif reader.accept("HISTORY"):
            extra.add("HISTORY")
        elif reader.accept("EXCLUDE", "JOBS"):
            extra.add("EXCLUDE JOBS")
        else:
            reader.fail()
    call.flags = call.flags | extra
    found = [
        row
        for row in shown.provide(call, scope or default_scope(call))
        if listed(call.account, call.session, kind, row)
    ]
    columns: Iterable[Any] = shown.columns
    if terse:
        columns = _terse(shown)
    return _table(columns, _filter(found, filters), SHOW)


def _terse(shown: Shown) -> list[Any]:
    """Return the columns of SHOW TERSE; what the kind names but has no values of is NULL."""
    known = {make_column(column).name: column for column in shown.columns}
    if shown.terse:
        return [known.get(name, name) for name in shown.terse]
    return [column for name, column in known.items() if name in TERSE]


def _kind(call: Call, known: dict[str, Shown]) -> str:
    reader = call.reader
    start = reader.at
    for length in (4, 3, 2, 1):
        words = " ".join(reader.peek(i).word for i in range(length))
        if words in known:
            reader.at = start + length
            return words
    words = " ".join(t.text for t in reader.tokens[start : start + 3])
    call.account.record.add("unknown", sql=call.text, session=call.session.id)
    raise unsupported(f"SHOW {words} is not known to this emulator.")


def default_scope(call: Call) -> Scope:
    """Return where SHOW looks without IN: the current schema, database, or the account."""
    session = call.session
    if session.database is None:
        return Scope("ACCOUNT", Path("", "", ""))
    if session.schema is None:
        return Scope("DATABASE", Path(session.database, "", ""))
    return Scope("SCHEMA", Path(session.database, session.schema, ""))


def _scope(call: Call, word: str) -> Scope:  # noqa: PLR0911
    reader, session = call.reader, call.session
    if word != "IN":
        kind = word if reader.peek(1).word in {"", "."} else f"{word} {reader.next().word}"
        return Scope(kind, _object_path(call))
    of_session = reader.tokens[1].word == "PARAMETERS" and reader.accept("SESSION")
    if of_session or reader.accept("ACCOUNT"):
        return Scope("ACCOUNT", Path("", "", ""))
    if reader.accept("DATABASE"):
        bare = reader.done or reader.peek().word in {"LIKE", "STARTS", "LIMIT"}
        parts = (session.database or "",) if bare else reader.name()
        _must_stand(call, "DATABASE", Path("", "", parts[0]))
        return Scope("DATABASE", Path(parts[0], "", ""))
    if reader.accept("SCHEMA"):
        bare = reader.done or reader.peek().word in {"LIKE", "STARTS", "LIMIT"}
        path = session.resolve_schema((session.schema or "",) if bare else reader.name())
        _must_stand(call, "SCHEMA", path)
        return Scope("SCHEMA", Path(path.database, path.name, ""))
    filtered = reader.peek(1).word in {"LIKE", "STARTS", "LIMIT", "ROOT"}
    if reader.peek().kind == "WORD" and reader.peek(1).kind in {"WORD", "QUOTED"} and not filtered:
        kind = reader.next().word
        while reader.peek(1).kind in {"WORD", "QUOTED"} and reader.peek().word in {
            "POOL",
            "REPOSITORY",
            "TABLE",
            "VIEW",
        }:
            kind += " " + reader.next().word
        return Scope(kind, _object_path(call))
    parts = reader.name()
    # A bare name is a schema, or a database when there is no such schema.
    if len(parts) == 1 and session.database is not None:
        as_schema = Path(session.database, "", parts[0])
        if call.account.catalog.find("SCHEMA", as_schema):
            return Scope("SCHEMA", Path(session.database, parts[0], ""))
    if len(parts) == 1:
        _must_stand(call, "DATABASE", Path("", "", parts[0]))
        return Scope("DATABASE", Path(parts[0], "", ""))
    _must_stand(call, "SCHEMA", Path(parts[0], "", parts[1]))
    return Scope("SCHEMA", Path(parts[0], parts[1], ""))


def _object_path(call: Call) -> Path:
    parts = call.reader.name()
    if len(parts) == 1 and call.session.schema is None:
        return Path("", "", parts[0])
    return call.session.resolve(parts)


def _must_stand(call: Call, kind: str, path: Path) -> None:
    if path.name != "INFORMATION_SCHEMA" and call.account.catalog.find(kind, path) is None:
        raise cannot_perform()


def like(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a SHOW pattern: ``%``, ``_`` and backslash escapes."""
    made = ""
    letters = iter(pattern)
    for letter in letters:
        if letter == "\\":
            made += re.escape(next(letters, ""))
        else:
            made += {"%": ".*", "_": "."}.get(letter, re.escape(letter))
    return re.compile(made, re.IGNORECASE | re.DOTALL)


def _filter(found: list[dict[str, Any]], filters: dict[str, Any]) -> list[dict[str, Any]]:
    def name(row: dict[str, Any]) -> str:
        return str(row.get("name", row.get("key", row.get("table_name", ""))))

    if "like" in filters:
        pattern = like(filters["like"])
        found = [row for row in found if pattern.fullmatch(name(row))]
    if "starts" in filters:
        found = [row for row in found if name(row).startswith(filters["starts"])]
    if "from" in filters:
        found = [row for row in found if name(row) > filters["from"]]
    return found[: filters.get("limit")]


def _table(columns: Iterable[Any], found: Iterable[dict[str, Any]], kind: int) -> ResultSet:
    made = [make_column(column) for column in columns]
    return rows(made, [[row.get(column.name) for column in made] for row in found], kind)


def describe(call: Call) -> ResultSet | None:
    """Run ``DESCRIBE kind name``."""
    reader, registry = call.reader, call.account.registry
    if reader.accept("RESULT"):
        return _describe_result(call)
    start = reader.at
    for length in (3, 2, 1):
        words = " ".join(reader.peek(i).word for i in range(length))
        if words in registry.describes and start + length < len(reader.tokens):
            reader.at = start + length
            return _described(call, words)
    if len(reader.tokens) - start == 1 or reader.peek(1).text == ".":
        return _described(call, "TABLE")
    call.account.record.add("unknown", sql=call.text, session=call.session.id)
    raise unsupported(f"DESCRIBE {reader.peek().text} is not known to this emulator.")


def _described(call: Call, kind: str) -> ResultSet:
    shown = call.account.registry.describes[kind]
    found = list(shown.provide(call, call.reader.name()))
    # Source: Snowflake, "DESCRIBE TABLE"; TYPE = STAGE is not known here.
    call.reader.accept("TYPE", "=", "COLUMNS")
    call.reader.end()
    return _table(shown.columns, found, DESCRIBE)


def _describe_result(call: Call) -> ResultSet:
    token = call.reader.next()
    query_id = token.value
    if token.word == "LAST_QUERY_ID":
        query_id = call.session.query_ids[-1] if call.session.query_ids else ""
    query = call.account.queries.find(query_id)
    if (
        query is None
        or query.result is None
        or not running.reads(call.account, call.session, query)
    ):
        raise not_found("Statement", query_id)
    listed = [
        (c.name, c.type.upper(), "COLUMN", "Y" if c.nullable else "N") for c in query.result.columns
    ]
    return rows(["name", "type", "kind", "null?"], listed, DESCRIBE)


def gone(call: Call, kind: str, name: str, written: str) -> ResultSet:
    """Answer a DROP of what does not stand.

    Raises:
        SnowflakeError: 002003, without IF EXISTS.
    """
    if call.if_exists:
        return status(f"Drop statement executed successfully ({name} already dropped).")
    raise not_found(kind, written)


def object_name(call: Call, kind: str) -> Path:
    """Read a schema object's name and return its path; its schema must stand."""
    path = call.session.resolve(call.reader.name(), f"CREATE {kind}")
    if call.account.catalog.find("SCHEMA", Path(path.database, "", path.schema)) is None:
        raise not_found("SCHEMA", f"{path.database}.{path.schema}")
    return path


__all__ = ["default_scope", "install", "like", "object_name", "syntax_error"]
