"""INFORMATION_SCHEMA and what of ACCOUNT_USAGE the foundation can tell.

Source: Snowflake, "Snowflake Information Schema": TABLES, COLUMNS, VIEWS, SCHEMATA, DATABASES,
STAGES; "QUERY_HISTORY" (function and view).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..names import Path
from ..registry import Scope
from ..results import ResultSet, rows
from .columns import columns_of
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
_QUERIES = [
    "QUERY_ID",
    "QUERY_TEXT",
    "DATABASE_NAME",
    "SCHEMA_NAME",
    "SESSION_ID fixed",
    "USER_NAME",
]
_QUERIES += ["ROLE_NAME", "WAREHOUSE_NAME", "QUERY_TAG", "EXECUTION_STATUS", "ERROR_CODE"]
_QUERIES += ["ERROR_MESSAGE", "START_TIME timestamp_ltz", "END_TIME timestamp_ltz"]
_QUERIES += ["TOTAL_ELAPSED_TIME fixed", "ROWS_PRODUCED fixed"]


def install(account: Account) -> None:
    """Register the views."""

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
    view("SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY", _QUERIES, queries)
    names = [column.split(" ")[0] for column in _QUERIES]

    def history(session: Session, args: list[Any], named: dict[str, Any]) -> ResultSet:
        newest = list(queries(account, session, ""))[::-1][: int(named.get("RESULT_LIMIT", 100))]
        return rows(_QUERIES, [[row[n] for n in names] for row in newest])

    account.table_function("QUERY_HISTORY", history)


def _found(account: Account, session: Session, database: str, kind: str) -> list[tuple[Any, ...]]:
    return listed(account, session, Scope("DATABASE", Path(database, "", "")), kind)


def tables(account: Account, session: Session, database: str) -> Iterable[dict[str, Any]]:
    """Yield tables and views of a database."""
    for kind in ("TABLE", "VIEW"):
        for base, schema, name, size, _ in _found(account, session, database, kind):
            path = Path(base, schema, name)
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
                "LAST_ALTERED": entry.created_on if entry else None,
                "COMMENT": entry.comment if entry else None,
                "IS_DYNAMIC": "YES" if dynamic else "NO",
            }


def views(account: Account, session: Session, database: str) -> Iterable[dict[str, Any]]:
    """Yield the views of a database."""
    for base, schema, name, _, sql in _found(account, session, database, "VIEW"):
        entry = account.catalog.find("VIEW", Path(base, schema, name))
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
                    "CHARACTER_MAXIMUM_LENGTH": (column["length"] or 16777216)
                    if data == "TEXT"
                    else None,
                    "NUMERIC_PRECISION": column["precision"] if data == "NUMBER" else None,
                    "NUMERIC_SCALE": column["scale"] if data == "NUMBER" else None,
                    "IS_IDENTITY": "NO",
                }


def schemas(account: Account, session: Session, database: str) -> Iterable[dict[str, Any]]:
    """Yield the schemas of a database."""
    for entry in account.catalog.all("SCHEMA", database):
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
        yield {
            "STAGE_CATALOG": database,
            "STAGE_SCHEMA": entry.path.schema,
            "STAGE_NAME": entry.name,
            "STAGE_OWNER": entry.owner,
            "STAGE_TYPE": "Internal Named",
            "COMMENT": entry.comment,
        }


def queries(account: Account, session: Session, database: str) -> Iterable[dict[str, Any]]:
    """Yield the queries that the account remembers, oldest first."""
    for query in account.queries.all():
        elapsed = (query.ended or account.clock.now()) - query.started
        status = {"SUCCESS": "SUCCESS", "RUNNING": "RUNNING"}.get(query.status, "FAIL")
        yield {
            "QUERY_ID": query.id,
            "QUERY_TEXT": query.text,
            "DATABASE_NAME": query.database,
            "SCHEMA_NAME": query.schema,
            "SESSION_ID": query.session.id,
            "USER_NAME": query.session.user,
            "ROLE_NAME": query.role,
            "WAREHOUSE_NAME": query.warehouse,
            "QUERY_TAG": query.tag,
            "EXECUTION_STATUS": status,
            "ERROR_CODE": f"{query.error.number:06d}" if query.error else None,
            "ERROR_MESSAGE": query.error.message if query.error else None,
            "START_TIME": query.started,
            "END_TIME": query.ended,
            "TOTAL_ELAPSED_TIME": int(elapsed.total_seconds() * 1000),
            "ROWS_PRODUCED": query.result.table.num_rows if query.result else None,
        }
