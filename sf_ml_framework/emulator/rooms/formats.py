"""File formats, INFER_SCHEMA, and queries on staged files.

Source: Snowflake, "CREATE FILE FORMAT", "INFER_SCHEMA", "Querying data in staged files".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..catalog import Entry
from ..faults import SnowflakeError, invalid, not_found, unsupported
from ..lexer import quote
from ..names import parts_of
from ..registry import Call, Scope
from ..results import ResultSet, rows, status
from . import csv_files
from .file_options import honoured, matcher, of_format
from .functions import read_rows
from .showing import gone, object_name
from .stages import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session
    from ..stages import StageFile

READ = {"CSV", "JSON", "PARQUET"}


def install(account: Account) -> None:
    """Register the statements and the rewrite."""
    account.statement("CREATE [OR REPLACE] [TEMPORARY|TEMP] FILE FORMAT [IF NOT EXISTS]", create)
    account.statement("DROP FILE FORMAT [IF EXISTS]", drop)
    columns = [
        "created_on timestamp_ltz",
        "name",
        "database_name",
        "schema_name",
        "type",
        "owner",
        "comment",
    ]
    account.show("FILE FORMATS", [*columns, "format_options", "owner_role_type"], show)
    described = ["property", "property_type", "property_value", "property_default"]
    account.describe("FILE FORMAT", described, describe)
    account.table_function("INFER_SCHEMA", lambda s, args, named: infer(account, s, named))
    account.rewrite(lambda session, tree: stage_queries(account, session, tree))


def create(call: Call) -> ResultSet:
    """Create a file format."""
    path = object_name(call, "FILE FORMAT")
    found = plain(call.reader.properties())
    comment = str(found.pop("COMMENT", ""))
    kind = str(found.get("TYPE", "CSV")).upper()
    of_format(found)
    temporary = bool(call.flags & {"TEMPORARY", "TEMP"})
    made = call.account.catalog.create(
        Entry(
            kind="FILE FORMAT",
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=comment,
            properties={"options": {**found, "TYPE": kind}, "temporary": temporary},
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    if temporary:
        call.session.temporary[("FILE FORMAT", path)] = ""
    return status(f"File format {path.name} successfully created.")


def drop(call: Call) -> ResultSet:
    """Drop a file format."""
    path = call.session.resolve(call.reader.last_name(), "DROP FILE FORMAT")
    if not call.account.catalog.drop("FILE FORMAT", path):
        return gone(call, "FILE FORMAT", path.name, str(path))
    call.session.temporary.pop(("FILE FORMAT", path), None)
    return status(f"{path.name} successfully dropped.")


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the file formats."""
    for entry in call.account.catalog.all("FILE FORMAT", scope.database, scope.schema):
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "database_name": entry.path.database,
            "schema_name": entry.path.schema,
            "type": entry.properties["options"]["TYPE"],
            "owner": entry.owner,
            "comment": entry.comment,
            "format_options": str(entry.properties["options"]),
            "owner_role_type": "ROLE",
        }


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield a file format's options."""
    entry = call.account.catalog.get("FILE FORMAT", call.session.resolve(parts))
    for name, value in entry.properties["options"].items():
        yield {"property": name, "property_type": "String", "property_value": str(value)}


def resolve(account: Account, session: Session, written: Any, stage: str = "") -> dict[str, Any]:
    """Return a format's options, from a name, a dict with FORMAT_NAME or TYPE, or the stage.

    Raises:
        SnowflakeError: 000002, an option changes what is read and is not known here.
    """
    found = _resolved(account, session, written, stage)
    honoured(found)
    return found


def _resolved(account: Account, session: Session, written: Any, stage: str) -> dict[str, Any]:
    found = plain(written)
    if isinstance(found, dict) and "FORMAT_NAME" in found:
        found = found["FORMAT_NAME"]
    if isinstance(found, str):
        entry = account.catalog.get("FILE FORMAT", session.resolve(parts_of(found)))
        account.access.require(session, "USAGE", "FILE FORMAT", entry.path)
        return dict(entry.properties["options"])
    if not found and stage.startswith("@") and stage[1:2] not in {"~", "%"}:
        name = re.split(r'/(?=(?:[^"]*"[^"]*")*[^"]*$)', stage[1:])[0]
        entry = account.catalog.get("STAGE", session.resolve(parts_of(name)))
        own = entry.properties.get("FILE_FORMAT")
        return resolve(account, session, own) if own else {"TYPE": "CSV"}
    if found and not isinstance(found, dict):
        raise invalid(f"invalid value '{found}' for property 'FILE_FORMAT'")
    of_format(found or {})
    return {"TYPE": "CSV", **(found or {})}


def source(files: list[StageFile], options: dict[str, Any], *, typed: bool = False) -> str:
    """Return the engine's table function that reads *files*."""
    kind = str(options.get("TYPE", "CSV")).upper()
    if kind not in READ:
        raise unsupported(f"files of type {kind} are not known to this emulator.")
    names = csv_files.listed(files)
    if kind == "PARQUET":
        return f"read_parquet({names}, union_by_name = true)"
    if kind == "JSON":
        how = "array" if options.get("STRIP_OUTER_ARRAY") else "unstructured"
        return f"read_json_objects({names}, format = '{how}')"
    return csv_files.source(files, options, typed=typed)


def read(
    session: Session,
    files: list[StageFile],
    options: dict[str, Any],
    *,
    width: int,
    whole: bool,
    exact: bool = False,
) -> ResultSet:
    """Read staged files: CSV as COLUMN1.., JSON as COLUMN1, Parquet by its own names.

    Rows of CSV have *width* columns if they are to be read *exact*, else as many as there are.
    """
    kind = str(options.get("TYPE", "CSV")).upper()
    files = [file for file in files if file.size]
    if not files:
        return rows([f"COLUMN{i + 1}" for i in range(max(width, 1))], [])
    if kind == "PARQUET":
        extra = ', to_json(f) as "COLUMN1"' if whole else ""
        return session.connection.query(f"select f.*{extra} from {source(files, options)} f")
    if kind == "JSON":
        table = source(files, options)
        return session.connection.query(f'select json as "COLUMN1" from {table}')
    return csv_files.read(session.connection, files, options, width=width, exact=exact)


def stage_queries(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Replace ``FROM @stage`` by the rows of its files."""
    for node in list(tree.find_all(exp.Table)):
        written = stage_of(node)
        if written is None:
            continue
        pattern = node.args.get("pattern")
        named = node.args.get("format")
        options = resolve(account, session, named.name if named is not None else None, written)
        where = account.stages.locate(session, written)
        files = account.stages.files(where)
        if pattern is not None:
            files = [f for f in files if matcher(pattern.name).fullmatch(f.name)]
        replace_stage(session, node, files, options)
    return tree


def stage_of(node: exp.Table) -> str | None:
    """Return the stage that a table stands for, or None."""
    if isinstance(node.this, exp.Var | exp.Literal) and str(node.this.this).startswith(
        ("@", "snow://")
    ):
        return str(node.this.this)
    return None


def replace_stage(
    session: Session,
    node: exp.Table,
    files: list[StageFile],
    options: dict[str, Any],
    *,
    exact: bool = False,
) -> None:
    """Put the files' rows in the place of *node*, and column numbers and paths in terms of them."""
    select = node.find_ancestor(exp.Select)
    if select is None:
        raise SnowflakeError("a stage can only be read in a SELECT", number=1003, state="42000")
    numbers = [p for p in select.find_all(exp.Parameter) if str(p.this.this).isdigit()]
    width = max((int(p.this.this) for p in numbers), default=0)
    parquet = str(options.get("TYPE", "CSV")).upper() == "PARQUET"
    whole = parquet and any(not isinstance(_outer(p).parent, exp.JSONExtract) for p in numbers)
    result = read(session, files, options, width=width, whole=whole, exact=exact)
    if node.args.get("alias") is None:
        node.set("alias", exp.TableAlias(this=exp.to_identifier("_STAGE", quoted=True)))
    if parquet:
        known = {column.name for column in result.columns}
        for number in numbers:
            _by_name(_outer(number), known)
    read_rows(session, node, result)


def _outer(number: exp.Parameter) -> exp.Expr:
    return number.parent if isinstance(number.parent, exp.Column) else number


def _by_name(number: exp.Expr, known: set[str]) -> None:
    extract = number.parent
    if not isinstance(extract, exp.JSONExtract):
        return
    keys = [part for part in extract.expression.expressions if isinstance(part, exp.JSONPathKey)]
    if not keys:
        return
    # Parquet columns are found by their exact name.
    name = str(keys[0].this)
    column: exp.Expr = exp.Null()
    if name in known:
        column = exp.column(exp.to_identifier(name, quoted=True))
    if len(extract.expression.expressions) > 2:
        rest = [exp.JSONPathRoot(), *extract.expression.expressions[2:]]
        inner = exp.ParseJSON(this=exp.cast(column, "VARCHAR"))
        column = exp.JSONExtract(
            this=inner, expression=exp.JSONPath(expressions=rest), variant_extract=True
        )
    extract.replace(column)


_INFERRED = {
    "BIGINT": "NUMBER(38, 0)",
    "INTEGER": "NUMBER(38, 0)",
    "SMALLINT": "NUMBER(38, 0)",
    "TINYINT": "NUMBER(38, 0)",
    "UBIGINT": "NUMBER(38, 0)",
    "UINTEGER": "NUMBER(38, 0)",
    "HUGEINT": "NUMBER(38, 0)",
    "DOUBLE": "REAL",
    "FLOAT": "REAL",
    "VARCHAR": "TEXT",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    "TIMESTAMP_NS": "TIMESTAMP_NTZ",
    "TIMESTAMP_MS": "TIMESTAMP_NTZ",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_LTZ",
    "BLOB": "BINARY",
    "JSON": "VARIANT",
}


def infer(account: Account, session: Session, named: dict[str, Any]) -> ResultSet:
    """Return the columns of staged files."""
    written = str(named.get("LOCATION", ""))
    options = resolve(account, session, named.get("FILE_FORMAT"), written)
    where = account.stages.locate(session, written)
    files = account.stages.files(where)
    if not files:
        raise not_found("FILE", written)
    found = session.connection.raw(f"describe select * from {source(files, options, typed=True)}")
    csv = str(options["TYPE"]).upper() == "CSV"
    if csv and not options.get("PARSE_HEADER"):
        found = [(f"c{i + 1}", row[1]) for i, row in enumerate(found)]
    made = []
    for index, row in enumerate(found):
        name, kind = row[0], str(row[1])
        text = _inferred(kind)
        # Columns of CSV are found by number, those of other formats by name.
        place = f"${index + 1}" if csv else f"$1:{name}"
        made.append((name, text, True, f"{place}::{text}", ", ".join(f.name for f in files), index))
    columns = [
        "COLUMN_NAME",
        "TYPE",
        "NULLABLE boolean",
        "EXPRESSION",
        "FILENAMES",
        "ORDER_ID fixed",
    ]
    return rows(columns, made)


def _inferred(kind: str) -> str:
    if match := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind):
        return f"NUMBER({match[1]}, {match[2]})"
    if kind.endswith("]"):
        return "ARRAY"
    if kind.startswith(("STRUCT", "MAP")):
        return "OBJECT"
    return _INFERRED.get(kind, "VARIANT")


__all__ = ["install", "quote", "read", "replace_stage", "resolve", "stage_of"]
