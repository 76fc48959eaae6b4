"""Columns: DESCRIBE TABLE and VIEW, SHOW COLUMNS.

Source: Snowflake, "DESCRIBE TABLE", "SHOW COLUMNS".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..access.listing import is_told
from ..faults import not_found
from ..names import Path
from ..registry import Call, Scope
from . import keys
from .tables import listed
from .temporary import find

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

LONGEST_TEXT = 16_777_216
"""How long a text may be in a column that says no length. Source: Snowflake, "VARCHAR"."""
DESCRIBED = ["name", "type", "kind", "null?", "default", "primary key", "unique key", "check"]
DESCRIBED += ["expression", "comment", "policy name", "privacy domain"]


def install(account: Account) -> None:
    """Register DESCRIBE and SHOW."""
    columns = ["table_name", "schema_name", "column_name", "data_type", "null?", "default", "kind"]
    columns += [
        "expression",
        "comment",
        "database_name",
        "autoincrement",
        "schema_evolution_record",
    ]
    account.show("COLUMNS", columns, show_columns)
    for kind in ("TABLE", "VIEW"):
        account.describe(kind, DESCRIBED, describe)


def columns_of(session: Session, path: Path) -> list[dict[str, Any]]:
    """Return a table's columns with Snowflake types, in order.

    Raises:
        SnowflakeError: there is no such table.
    """
    where = place(session, path)
    found = session.connection.query(
        "select COLUMN_NAME, DATA_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE, "
        "CHARACTER_MAXIMUM_LENGTH, IS_NULLABLE, COLUMN_DEFAULT "
        "from _fs_global._fs_information_schema._fs_columns "
        "where TABLE_CATALOG = ? and TABLE_SCHEMA = ? and TABLE_NAME = ? order by ORDINAL_POSITION",
        where,
    ).rows
    if not found:
        raise not_found("TABLE", str(path))
    own = session.text_lengths.get(path, {}) if find(session, path) else {}
    return [
        {
            "name": name,
            "data_type": kind,
            "type": type_text(kind, precision, scale, own.get(name.upper(), length)),
            "precision": precision,
            "scale": scale,
            "length": own.get(name.upper(), length),
            "nullable": nullable == "YES",
            "default": default,
        }
        for name, kind, precision, scale, length, nullable, default in found
    ]


def place(session: Session, path: Path) -> list[str]:
    """Return where the engine keeps a table, or a temporary one of the session."""
    if mangled := find(session, path):
        return ["temp", "main", mangled]
    if path.schema == "INFORMATION_SCHEMA":
        return [path.database, "_fs_information_schema", path.name]
    return list(path)


def type_text(kind: str, precision: Any, scale: Any, length: Any) -> str:  # noqa: PLR0911
    """Return a type as DESCRIBE writes it."""
    match kind:
        case "NUMBER" | "INTEGER" | "HUGEINT":
            return f"NUMBER({precision or 38},{scale or 0})" if kind == "NUMBER" else "NUMBER(38,0)"
        case "TEXT":
            return f"VARCHAR({length or LONGEST_TEXT})"
        case "TIMESTAMP_NTZ" | "TIME":
            return f"{kind}(9)"
        case "TIMESTAMP_TZ":
            return "TIMESTAMP_LTZ(9)"
        case "BINARY":
            return "BINARY(8388608)"
        case "JSON":
            return "VARIANT"
    return kind


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield the columns of a table or view."""
    return described(call, call.session.resolve(parts, "DESCRIBE"))


def described(call: Call, path: Path) -> Iterable[dict[str, Any]]:
    """Yield a table's columns as DESCRIBE shows them."""
    kinds = ("VIEW", "DYNAMIC TABLE", "TABLE")
    entry = next((e for kind in kinds if (e := call.account.catalog.find(kind, path))), None)
    comments = entry.properties.get("column_comments", {}) if entry else {}
    found = keys.of(call.account, call.session, path)
    primary, unique = (
        {name for key in found if key["kind"] == kind for name in key["columns"]}
        for kind in ("PRIMARY KEY", "UNIQUE")
    )
    for column in columns_of(call.session, path):
        yield {
            "name": column["name"],
            "type": column["type"],
            "kind": "COLUMN",
            "null?": "Y" if column["nullable"] else "N",
            "default": column["default"],
            "primary key": "Y" if column["name"] in primary else "N",
            "unique key": "Y" if column["name"] in unique else "N",
            "comment": comments.get(column["name"]),
        }


def show_columns(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield columns of a table, view, schema or database that the role has a privilege on."""
    rights = (call.account, call.session)
    if scope.kind in {"TABLE", "VIEW"}:
        if not is_told(*rights, scope.kind, scope.path):
            raise not_found(scope.kind, str(scope.path))
        paths = [scope.path]
    else:
        found = [
            row
            for kind in ("TABLE", "VIEW")
            for row in listed(call.account, call.session, scope, kind)
        ]
        paths = [Path(*row[:3]) for row in found]
        paths = [path for path in paths if is_told(*rights, "TABLE", path)]
    for path in paths:
        for column in columns_of(call.session, path):
            yield {
                "table_name": path.name,
                "schema_name": path.schema,
                "column_name": column["name"],
                "data_type": json.dumps(_json_type(column)),
                "null?": "true" if column["nullable"] else "NOT_NULL",
                "default": column["default"] or "",
                "kind": "COLUMN",
                "expression": "",
                "comment": "",
                "database_name": path.database,
                "autoincrement": "",
                "name": column["name"],
            }


def _json_type(column: dict[str, Any]) -> dict[str, Any]:
    name = str(column["type"]).split("(")[0]
    nullable = column["nullable"]
    if name == "NUMBER":
        return {
            "type": "FIXED",
            "precision": column["precision"] or 38,
            "scale": column["scale"] or 0,
            "nullable": nullable,
        }
    if name == "VARCHAR":
        size = column["length"] or LONGEST_TEXT
        return {
            "type": "TEXT",
            "length": size,
            "byteLength": min(size * 4, LONGEST_TEXT),
            "nullable": nullable,
            "fixed": False,
        }
    if name.startswith("TIME"):
        return {"type": name, "precision": 0, "scale": 9, "nullable": nullable}
    return {"type": "REAL" if name == "FLOAT" else name, "nullable": nullable}
