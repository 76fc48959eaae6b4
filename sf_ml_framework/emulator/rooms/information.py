"""The views of INFORMATION_SCHEMA that tell of databases and what is in them.

Source: Snowflake, "Snowflake Information Schema": TABLES, COLUMNS, VIEWS, SCHEMATA, DATABASES,
STAGES. A role sees what it has a privilege on.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..catalog import Entry
from ..names import Path
from ..registry import Scope
from ..results import ResultSet, rows
from ..router import table_parts, target_of
from .columns import LONGEST_TEXT, columns_of
from .tables import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

_TABLES = [
    "TABLE_CATALOG",
    "TABLE_SCHEMA",
    "TABLE_NAME",
    "TABLE_OWNER",
    "TABLE_TYPE",
    "IS_TRANSIENT",
]
_TABLES += ["CLUSTERING_KEY", "ROW_COUNT fixed", "BYTES fixed", "RETENTION_TIME fixed"]
_TABLES += ["CREATED timestamp_ltz", "LAST_ALTERED timestamp_ltz", "COMMENT", "IS_DYNAMIC"]
_COLUMNS = ["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "ORDINAL_POSITION fixed"]
_COLUMNS += ["COLUMN_DEFAULT", "IS_NULLABLE", "DATA_TYPE", "CHARACTER_MAXIMUM_LENGTH fixed"]
_COLUMNS += ["NUMERIC_PRECISION fixed", "NUMERIC_SCALE fixed", "IS_IDENTITY", "COMMENT"]


def install(account: Account) -> None:
    """Register the views, and what notices that rows changed."""
    account.parts[Changes] = Changes(account)
    account.observe(lambda session, tree, result: account.part(Changes).note(session, tree))

    def view(name: str, columns: list[str], provide: Any) -> None:
        names = [column.split(" ")[0] for column in columns]

        def call(session: Session, database: str) -> ResultSet:
            found = provide(account, session, database)
            return rows(columns, [[row.get(n) for n in names] for row in found])

        account.view(name, call)

    view("*.INFORMATION_SCHEMA.TABLES", _TABLES, tables)
    view("*.INFORMATION_SCHEMA.COLUMNS", _COLUMNS, columns)
    view("*.INFORMATION_SCHEMA.VIEWS", [*_TABLES[:4], "VIEW_DEFINITION", "COMMENT"], views)
    schemata = ["CATALOG_NAME", "SCHEMA_NAME", "SCHEMA_OWNER", "CREATED timestamp_ltz", "COMMENT"]
    view("*.INFORMATION_SCHEMA.SCHEMATA", schemata, schemas)
    found = ["DATABASE_NAME", "DATABASE_OWNER", "CREATED timestamp_ltz", "COMMENT", "TYPE"]
    view("*.INFORMATION_SCHEMA.DATABASES", found, databases)
    stages = ["STAGE_CATALOG", "STAGE_SCHEMA", "STAGE_NAME", "STAGE_OWNER", "STAGE_TYPE", "COMMENT"]
    view("*.INFORMATION_SCHEMA.STAGES", stages, staged)


class Changes:
    """When rows of a table were last written, for as long as this server lives."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._at: dict[Path, datetime] = {}

    def note(self, session: Session, tree: exp.Expr) -> None:
        """Remember that a statement has just written a table."""
        target = (
            target_of(tree) if isinstance(tree, exp.DML | exp.Merge | exp.TruncateTable) else None
        )
        if target is not None:
            self._at[session.resolve(table_parts(target))] = self._account.clock.now()

    def last(self, path: Path, entry: Entry | None) -> datetime | None:
        """Return when the table was made or written last; none when nobody knows."""
        moments = [entry.created_on] if entry else []
        if path in self._at:
            moments.append(self._at[path])
        if entry and entry.properties.get("data_timestamp"):
            moments.append(datetime.fromisoformat(entry.properties["data_timestamp"]))
        return max(moments, default=None)


def _found(account: Account, session: Session, database: str, kind: str) -> list[tuple[Any, ...]]:
    return listed(account, session, Scope("DATABASE", Path(database, "", "")), kind)


def _seen(account: Account, session: Session, kind: str, path: Path) -> bool:
    stands = account.access.owner(kind, path) is not None
    return not stands or account.access.sees(session, kind, path)


def tables(account: Account, session: Session, database: str) -> Iterable[dict[str, Any]]:
    """Yield tables and views of a database."""
    for kind in ("TABLE", "VIEW"):
        for base, schema, name, size, _ in _found(account, session, database, kind):
            path = Path(base, schema, name)
            if not _seen(account, session, "TABLE", path):
                continue
            dynamic = account.catalog.find("DYNAMIC TABLE", path)
            entry = dynamic or account.catalog.find(kind, path)
            yield {
                "TABLE_CATALOG": base,
                "TABLE_SCHEMA": schema,
                "TABLE_NAME": name,
                "TABLE_OWNER": entry.owner if entry else None,
                "TABLE_TYPE": "BASE TABLE" if kind == "TABLE" else "VIEW",
                "IS_TRANSIENT": "NO",
                "ROW_COUNT": size if kind == "TABLE" else None,
                "BYTES": 0 if kind == "TABLE" else None,
                "RETENTION_TIME": 1,
                "CREATED": entry.created_on if entry else None,
                "LAST_ALTERED": account.part(Changes).last(path, entry),
                "COMMENT": entry.comment if entry else None,
                "IS_DYNAMIC": "YES" if dynamic else "NO",
            }


def views(account: Account, session: Session, database: str) -> Iterable[dict[str, Any]]:
    """Yield the views of a database."""
    for base, schema, name, _, sql in _found(account, session, database, "VIEW"):
        entry = account.catalog.find("VIEW", Path(base, schema, name))
        if not _seen(account, session, "VIEW", Path(base, schema, name)):
            continue
        yield {
            "TABLE_CATALOG": base,
            "TABLE_SCHEMA": schema,
            "TABLE_NAME": name,
            "TABLE_OWNER": entry.owner if entry else None,
            "VIEW_DEFINITION": entry.properties.get("text", sql) if entry else sql,
            "COMMENT": entry.comment if entry else None,
        }


def columns(account: Account, session: Session, database: str) -> Iterable[dict[str, Any]]:
    """Yield the columns of a database."""
    for kind in ("TABLE", "VIEW"):
        for base, schema, name, _, _ in _found(account, session, database, kind):
            if not _seen(account, session, "TABLE", Path(base, schema, name)):
                continue
            for index, column in enumerate(columns_of(session, Path(base, schema, name))):
                data = (
                    "TIMESTAMP_LTZ"
                    if column["data_type"] == "TIMESTAMP_TZ"
                    else column["data_type"]
                )
                yield {
                    "TABLE_CATALOG": base,
                    "TABLE_SCHEMA": schema,
                    "TABLE_NAME": name,
                    "COLUMN_NAME": column["name"],
                    "ORDINAL_POSITION": index + 1,
                    "COLUMN_DEFAULT": column["default"],
                    "IS_NULLABLE": "YES" if column["nullable"] else "NO",
                    "DATA_TYPE": data,
                    "CHARACTER_MAXIMUM_LENGTH": (column["length"] or LONGEST_TEXT)
                    if data == "TEXT"
                    else None,
                    "NUMERIC_PRECISION": column["precision"] if data == "NUMBER" else None,
                    "NUMERIC_SCALE": column["scale"] if data == "NUMBER" else None,
                    "IS_IDENTITY": "NO",
                }


def schemas(account: Account, session: Session, database: str) -> Iterable[dict[str, Any]]:
    """Yield the schemas of a database."""
    for entry in account.catalog.all("SCHEMA", database):
        if not _seen(account, session, "SCHEMA", entry.path):
            continue
        yield {
            "CATALOG_NAME": database,
            "SCHEMA_NAME": entry.name,
            "SCHEMA_OWNER": entry.owner,
            "CREATED": entry.created_on,
            "COMMENT": entry.comment,
        }
    yield {"CATALOG_NAME": database, "SCHEMA_NAME": "INFORMATION_SCHEMA"}


def databases(account: Account, session: Session, database: str) -> Iterable[dict[str, Any]]:
    """Yield the databases of the account."""
    for entry in account.catalog.all("DATABASE"):
        if not _seen(account, session, "DATABASE", entry.path):
            continue
        yield {
            "DATABASE_NAME": entry.name,
            "DATABASE_OWNER": entry.owner,
            "CREATED": entry.created_on,
            "COMMENT": entry.comment,
            "TYPE": "STANDARD",
        }


def staged(account: Account, session: Session, database: str) -> Iterable[dict[str, Any]]:
    """Yield the stages of a database."""
    for entry in account.catalog.all("STAGE", database):
        if not _seen(account, session, "STAGE", entry.path):
            continue
        yield {
            "STAGE_CATALOG": database,
            "STAGE_SCHEMA": entry.path.schema,
            "STAGE_NAME": entry.name,
            "STAGE_OWNER": entry.owner,
            "STAGE_TYPE": "Internal Named",
            "COMMENT": entry.comment,
        }
