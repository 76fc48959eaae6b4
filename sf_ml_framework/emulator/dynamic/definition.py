"""What ``CREATE DYNAMIC TABLE`` says, and the numbers in it.

Source: Snowflake, "CREATE DYNAMIC TABLE", "ALTER DYNAMIC TABLE", "Set the target lag for a dynamic
table" (at least 60 seconds).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from ..faults import SnowflakeError, invalid, unexpected
from ..names import Path, parts_of
from ..reader import Reader, only
from ..registry import Call
from ..session import Session

DOWNSTREAM = "DOWNSTREAM"
MINIMUM_LAG_SECONDS = 60
MODES = {"AUTO", "FULL", "INCREMENTAL"}
_LAG = re.compile(r"\s*(\d+)\s*(s|sec|second|m|min|minute|h|hr|hour|d|day)s?\s*", re.IGNORECASE)
_UNITS = {"s": ("second", 1), "m": ("minute", 60), "h": ("hour", 3600), "d": ("day", 86400)}
_OPTIONS = {
    "TARGET_LAG",
    "WAREHOUSE",
    "INITIALIZATION_WAREHOUSE",
    "REFRESH_MODE",
    "INITIALIZE",
    "DATA_RETENTION_TIME_IN_DAYS",
    "MAX_DATA_EXTENSION_TIME_IN_DAYS",
    "SCHEDULER",
    "COMMENT",
    "TAG",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One CREATE DYNAMIC TABLE; ``columns`` is empty when the query names them."""

    columns: tuple[str, ...]
    comments: dict[str, str]
    options: dict[str, Any]
    cluster_by: str
    query: str


def read(call: Call, name: str) -> Definition:
    """Read what follows the table's name."""
    reader = call.reader
    columns, comments = _columns(reader) if reader.accept("(") else ([], {})
    options: dict[str, Any] = {}
    cluster_by = ""
    while not reader.accept("AS"):
        if reader.accept("CLUSTER", "BY"):
            cluster_by = f"LINEAR({reader.bracketed()})"
        elif reader.accept("COPY", "GRANTS"):
            continue
        elif reader.done or not (found := reader.properties("AS", "CLUSTER", "COPY")):
            raise unexpected(reader.peek().text or "<EOF>", reader.peek().start)
        else:
            options.update(found)
    only(options, _OPTIONS, "DYNAMIC TABLE")
    missing = [key for key in ("TARGET_LAG", "WAREHOUSE") if key not in options]
    if missing:
        raise SnowflakeError(
            f"SQL compilation error:\nMissing option(s): [{', '.join(missing)}]",
            number=2029,
            state="42601",
        )
    _check(options, name)
    return Definition(
        columns=tuple(columns),
        comments=comments,
        options=options,
        cluster_by=cluster_by,
        query=reader.rest(),
    )


def _columns(reader: Reader) -> tuple[list[str], dict[str, str]]:
    columns: list[str] = []
    comments: dict[str, str] = {}
    while not reader.accept(")"):
        name = reader.name()[0]
        columns.append(name)
        while reader.peek().text not in {",", ")"}:
            if reader.accept("COMMENT"):
                comments[name] = reader.string()
            elif reader.accept("WITH", "TAG") or reader.accept("TAG"):
                reader.tags()
            elif reader.peek().text == "(":
                reader.bracketed()
            else:
                reader.next()  # the type, which must be the query's own
        reader.accept(",")
    return columns, comments


def _check(options: dict[str, Any], name: str) -> None:
    options["TARGET_LAG"] = lag(str(options["TARGET_LAG"]), name)
    mode = str(options.get("REFRESH_MODE", "AUTO")).upper()
    if mode not in MODES:
        raise invalid(f"invalid value '{mode}' for property 'REFRESH_MODE'")
    start = str(options.get("INITIALIZE", "ON_CREATE")).upper()
    if start not in {"ON_CREATE", "ON_SCHEDULE"}:
        raise invalid(f"invalid value '{start}' for property 'INITIALIZE'")
    options.update(REFRESH_MODE=mode, INITIALIZE=start)


def lag(written: str, name: str) -> str:
    """Return a target lag as SHOW writes it: ``1 hour``, ``5 minutes`` or ``DOWNSTREAM``."""
    if written.strip().upper() == DOWNSTREAM:
        return DOWNSTREAM
    match = _LAG.fullmatch(written)
    if match is None:
        raise invalid(f"invalid value '{written}' for property 'TARGET_LAG' of '{name}'")
    amount = int(match[1])
    word, seconds = _UNITS[match[2][0].lower()]
    if amount * seconds < MINIMUM_LAG_SECONDS:
        raise invalid(
            f"Lag value '{written}' for Dynamic Table '{name}' is too small: it must be at least "
            f"{MINIMUM_LAG_SECONDS} seconds."
        )
    return f"{amount} {word}{'' if amount == 1 else 's'}"


def lag_seconds(normal: str) -> int | None:
    """Return a normal lag in seconds; None for DOWNSTREAM."""
    if normal == DOWNSTREAM:
        return None
    amount, _, word = normal.partition(" ")
    return int(amount) * _UNITS[word[0]][1]


def warehouse(call: Call, written: Any, name: str) -> str:
    """Return the warehouse that a property names; it must stand.

    ``WAREHOUSE = DEFAULT`` is refused as on Snowflake. Source: dbt-snowflake issue 1145.
    """
    text = str(written)
    if text.upper() == "DEFAULT":
        raise SnowflakeError(
            f"SQL compilation error:\nWAREHOUSE value of Dynamic Table '{name}' unsupported.",
            number=2736,
            state="22023",
        )
    found = parts_of(text)[-1]
    call.account.catalog.get("WAREHOUSE", Path("", "", found))
    return found


def qualified(session: Session, tree: exp.Expr) -> exp.Expr:
    """Return *tree* with every table's full name, so that it means the same in any session."""
    hidden = {cte.alias.upper() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not _plain(table) or (not table.db and table.name.upper() in hidden):
            continue
        path = path_of(session, table)
        if table.args.get("alias") is None:
            table.set("alias", exp.TableAlias(this=table.this.copy()))
        for key, part in (("catalog", path.database), ("db", path.schema), ("this", path.name)):
            table.set(key, exp.to_identifier(part, quoted=True))
    return tree


def _plain(table: exp.Table) -> bool:
    return isinstance(table.this, exp.Identifier) and bool(table.this.this)


def path_of(session: Session, table: exp.Table) -> Path:
    """Return the full path of a table in a query."""
    from ..router import table_parts

    return session.resolve(table_parts(table))


def tables_of(tree: exp.Expr) -> list[Path]:
    """Return the tables and views that a qualified query reads, each once, in order."""
    found: dict[Path, None] = {}
    for table in tree.find_all(exp.Table):
        if _plain(table) and table.catalog:
            found[Path(table.catalog, table.db, table.name)] = None
    return list(found)
