"""Tables and views: SHOW, DESCRIBE, COMMENT, and what the catalogue keeps about them.

Source: Snowflake, "SHOW TABLES", "SHOW VIEWS", "SHOW COLUMNS", "DESCRIBE TABLE", "CREATE VIEW".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..catalog import Entry
from ..duck import LENGTHS, WHERE
from ..dynamic.definition import qualified
from ..faults import SnowflakeError, unexpected, unsupported
from ..names import Path, join, quoted
from ..parameters import RETENTION, check_retention
from ..reader import Reader, only
from ..registry import Call, Scope
from ..results import ResultSet, done, status
from ..router import table_parts, target_of
from . import tags
from .temporary import is_temporary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HIDDEN = "schema_name not in ('_fs_information_schema', 'main')"

_COMMON = [
    "created_on timestamp_ltz",
    "name",
    "database_name",
    "schema_name",
    "kind",
    "comment",
]
_TABLES = [
    *_COMMON,
    "cluster_by",
    "rows fixed",
    "bytes fixed",
    "owner",
    "retention_time",
    "automatic_clustering",
]
_TABLES += [
    "change_tracking",
    "is_external",
    "enable_schema_evolution",
    "owner_role_type",
    "is_event",
]
_TABLES += ["budget", "is_hybrid", "is_iceberg", "is_dynamic", "is_immutable"]
_VIEWS = [
    "created_on timestamp_ltz",
    "name",
    "reserved",
    "database_name",
    "schema_name",
    "owner",
    "comment",
]
_VIEWS += ["text", "is_secure", "is_materialized", "owner_role_type", "change_tracking", "kind"]
_OBJECTS = [
    *_COMMON,
    "cluster_by",
    "rows fixed",
    "bytes fixed",
    "owner",
    "retention_time",
    "owner_role_type",
]


def install(account: Account) -> None:
    """Register the statements."""
    account.show("TABLES", _TABLES, lambda call, scope: show(call, scope, ("TABLE",)))
    account.show("VIEWS", _VIEWS, lambda call, scope: show(call, scope, ("VIEW",)))
    account.show("OBJECTS", _OBJECTS, lambda call, scope: show(call, scope, ("TABLE", "VIEW")))
    account.statement(
        "CREATE [OR REPLACE] [SECURE] [TEMPORARY|TEMP] [RECURSIVE] VIEW [IF NOT EXISTS]",
        create_view,
    )
    account.statement("CREATE [TRANSIENT|TEMPORARY|TEMP] TABLE [IF NOT EXISTS]", standing)
    account.statement("COMMENT [IF EXISTS] ON", comment_on)
    account.statement("ALTER TABLE|VIEW [IF EXISTS]", alter)
    account.rewrite(without_comment)
    account.observe(lambda session, tree, result: keep(account, session, tree))


def standing(call: Call) -> ResultSet | None:
    """Leave a table that stands as it is; None when there is one to make.

    Source: Snowflake, "CREATE TABLE" (IF NOT EXISTS).
    """
    if not call.if_not_exists:
        return None
    path = call.session.resolve(call.reader.name(), "CREATE TABLE")
    if call.flags & {"TEMPORARY", "TEMP"}:
        stands = ("TABLE", path) in call.session.temporary
    else:
        stands = call.account.catalog.find("TABLE", path) is not None
    if not stands:
        return None
    call.account.router.commit(call.session)
    return status(f"{path.name} already exists, statement succeeded.")


def without_comment(session: Session, tree: exp.Expr) -> exp.Expr:
    """Take the comment of a table away from the engine, which would not quote it; see ``keep``."""
    if isinstance(tree, exp.Create) and str(tree.args.get("kind") or "").upper() == "TABLE":
        for comment in list(tree.find_all(exp.SchemaCommentProperty)):
            comment.pop()
    return tree


def keep(account: Account, session: Session, tree: exp.Expr) -> None:
    """Keep owner and time of what was created; forget what was dropped; follow what was renamed."""
    target = target_of(tree)
    kind = str(tree.args.get("kind") or "").upper()
    if target is None or kind not in {"TABLE", "VIEW", "SEQUENCE"}:
        return
    path = session.resolve(table_parts(target))
    if isinstance(tree, exp.Create) and not is_temporary(tree):
        comment = tree.find(exp.SchemaCommentProperty)
        entry = Entry(
            kind=kind,
            path=path,
            owner=session.role,
            created_on=account.clock.now(),
            comment=str(comment.this.this) if comment else "",
            properties={"transient": True} if tree.find(exp.TransientProperty) else {},
        )
        exists = bool(tree.args.get("exists"))
        account.catalog.create(entry, replace=not exists, if_absent=exists)
    elif (kind, path) in session.temporary:
        return  # it hides a permanent one, of which nothing changes
    elif isinstance(tree, exp.Drop):
        account.catalog.drop(kind, path)
        account.catalog.forget("TABLE", path)
    elif isinstance(tree, exp.Alter):
        for action in tree.args.get("actions") or []:
            if isinstance(action, exp.AlterRename) and account.catalog.find(kind, path):
                new = session.resolve(table_parts(action.this))
                account.catalog.rename(kind, path, new)
                _rename_lengths(session, path, new)
                # The tags of a view are those of the domain TABLE.
                account.catalog.follow("TABLE", path, new)


def _rename_lengths(session: Session, path: Path, new: Path) -> None:
    """The engine keeps the lengths of texts by the table's name, and forgets them else."""
    # What a table of the new name has left when it was dropped.
    session.connection.raw(f"delete from {LENGTHS} where {WHERE}", list(new))
    changed = WHERE.replace(" and ", ", ")
    session.connection.raw(f"update {LENGTHS} set {changed} where {WHERE}", [*new, *path])


def create_view(call: Call) -> ResultSet:
    """Create a view; comment, tags and column comments are kept, the text as it was written."""
    reader = call.reader
    path = call.session.resolve(reader.name(), "CREATE VIEW")
    for other in ("TABLE", "DYNAMIC TABLE"):
        refuse_other_kind(call, path, other)
    columns, comments = _view_columns(reader)
    reader.accept("COPY", "GRANTS")
    found = reader.properties("AS", "COPY")
    only(found, {"COMMENT", "TAG", "CHANGE_TRACKING"}, "VIEW")
    reader.accept("COPY", "GRANTS")
    if not reader.accept("AS"):
        raise unexpected(reader.peek().text)
    query = reader.rest()
    made = "CREATE " + ("OR REPLACE " if call.or_replace else "")
    made += "TEMPORARY " if call.flags & {"TEMPORARY", "TEMP"} else ""
    made += "VIEW " + ("IF NOT EXISTS " if call.if_not_exists else "") + join(path)
    made += f" ({', '.join(quoted(c) for c in columns)})" if columns else ""
    stood = call.account.catalog.find("VIEW", path) is not None
    result = call.account.router.execute(
        call.session, call.account.router.parse(f"{made} AS {query}")
    )
    entry = call.account.catalog.find("VIEW", path)
    if entry is not None and not (stood and call.if_not_exists):
        # What it reads, by full names, for those that ask what stands behind the view.
        full = qualified(call.session, call.account.router.parse(query)).sql(dialect="snowflake")
        properties: dict[str, Any] = {"text": call.text, "query": query}
        properties["column_comments"] = comments
        properties["qualified"] = full
        properties["columns"] = list(columns)
        properties["secure"] = "SECURE" in call.flags
        call.account.catalog.forget("TABLE", path)
        comment = str(found.get("COMMENT", ""))
        call.account.catalog.update(replace(entry, comment=comment, properties=properties))
        tags.attach(call.account, call.session, "TABLE", path, found.get("TAG", {}))
    return result


def _view_columns(reader: Reader) -> tuple[list[str], dict[str, str]]:
    """Read the columns of a view, if they are named, and their comments."""
    columns: list[str] = []
    comments: dict[str, str] = {}
    if reader.accept("("):
        while not reader.accept(")"):
            name = reader.name()[0]
            columns.append(name)
            if reader.accept("COMMENT"):
                comments[name] = reader.string()
            if reader.accept("WITH", "TAG") or reader.accept("TAG"):
                reader.tags()
            reader.accept(",")
    return columns, comments


def refuse_other_kind(call: Call, path: Path, kind: str) -> None:
    """Raise 001998 when the name is taken by an object of another kind."""
    if call.account.catalog.find(kind, path) is not None:
        raise SnowflakeError(
            f"SQL compilation error:\nObject '{path.name}' already exists as {kind}",
            number=1998,
            state="42710",
        )


def comment_on(call: Call) -> ResultSet:
    """Run ``COMMENT ON kind name IS '..'``."""
    reader = call.reader
    kind = reader.next().word
    while reader.peek(1).kind in {"WORD", "QUOTED"} and reader.peek(1).word != "IS":
        kind += " " + reader.next().word
    parts = reader.name()
    reader.expect("IS")
    text = reader.string()
    reader.end()
    if kind == "COLUMN":
        return set_comment(call, "TABLE", call.session.resolve(parts[:-1]), text, column=parts[-1])
    return set_comment(call, kind, tags.object_path(call.session, kind, parts), text)


def set_comment(call: Call, kind: str, path: Path, text: str, column: str = "") -> ResultSet:
    """Keep a comment on an object or column."""
    catalog = call.account.catalog
    entry = catalog.find(kind, path) or (catalog.find("VIEW", path) if kind == "TABLE" else None)
    if entry is None:
        tags.must_stand(call, kind, path)
        entry = Entry(
            kind=kind, path=path, owner=call.session.role, created_on=call.account.clock.now()
        )
        catalog.create(entry)
    if column:
        comments = {**entry.properties.get("column_comments", {}), column: text}
        entry = entry.with_properties(column_comments=comments)
    else:
        entry = replace(entry, comment=text)
    catalog.update(entry)
    return done()


def alter(call: Call) -> ResultSet | None:
    """Set comments and table options that hold no data; the rest is the engine's."""
    kind = "TABLE" if "TABLE" in call.flags else "VIEW"
    parts = call.reader.name()
    reader = call.reader
    if not (reader.accept("SET") or reader.accept("UNSET")) or reader.peek().word == "TAG":
        return None
    path = call.session.resolve(parts)
    if reader.accept("COMMENT"):
        text = reader.string() if reader.accept("=") else ""
        reader.end()
        return set_comment(call, kind, path, text)
    tags.must_stand(call, kind, path)
    found = reader.properties()
    known = {"CHANGE_TRACKING", "DATA_RETENTION_TIME_IN_DAYS", "ENABLE_SCHEMA_EVOLUTION", "COMMENT"}
    if unknown := set(found) - known:
        raise unsupported(f"ALTER {kind} SET {unknown.pop()} is not known to this emulator.")
    if RETENTION in found:
        check_retention(found[RETENTION])
    entry = call.account.catalog.find(kind, path)
    if entry:
        call.account.catalog.update(entry.with_properties(**found))
    return done()


def listed(account: Account, session: Session, scope: Scope, kind: str) -> list[tuple[Any, ...]]:
    """Return database, schema, name, size and text of the tables or views in *scope*."""
    source, name = (
        ("duckdb_tables()", "table_name") if kind == "TABLE" else ("duckdb_views()", "view_name")
    )
    size = "estimated_size" if kind == "TABLE" else "0"
    where, values = [_HIDDEN, "not internal", "not temporary"], []
    for column, value in (("database_name", scope.database), ("schema_name", scope.schema)):
        if value:
            where.append(f"{column} = ?")
            values.append(value)
    sql = f"select database_name, schema_name, {name}, {size}, sql from {source} where "
    found = session.connection.raw(sql + " and ".join(where) + " order by 1, 2, 3", values)
    known = {e.name for e in account.catalog.all("DATABASE")}
    return [row for row in found if row[0] in known]


def show(call: Call, scope: Scope, kinds: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield tables or views with what the catalogue knows of them."""
    catalog = call.account.catalog
    for kind in kinds:
        for database, schema, name, size, sql in listed(call.account, call.session, scope, kind):
            path = Path(database, schema, name)
            dynamic = catalog.find("DYNAMIC TABLE", path)
            entry = (
                dynamic
                or catalog.find(kind, path)
                or Entry(kind=kind, path=path, created_on=_EPOCH)
            )
            told = "TRANSIENT" if entry.properties.get("transient") else "TABLE"
            yield _row(entry, told if kinds == ("TABLE",) else kind, size, sql, dynamic)
    if "TABLE" in kinds:
        for (kind, path), mangled in list(call.session.temporary.items()):
            inside = (scope.database in {None, path.database}) and (
                scope.schema in {None, path.schema}
            )
            if kind == "TABLE" and inside:
                count = call.session.connection.raw(f'select count(*) from temp.main."{mangled}"')[
                    0
                ][0]
                since = call.session.made.get((kind, path), _EPOCH)
                entry = Entry(kind=kind, path=path, owner=call.session.role, created_on=since)
                yield _row(entry, "TEMPORARY", count, "", None)


def _row(entry: Entry, kind: str, size: int, sql: str, dynamic: Entry | None) -> dict[str, Any]:
    return {
        "created_on": entry.created_on,
        "name": entry.name,
        "database_name": entry.path.database,
        "schema_name": entry.path.schema,
        "kind": kind,
        "comment": entry.comment,
        "cluster_by": "",
        "rows": size,
        "bytes": 0,
        "owner": entry.owner,
        "retention_time": "1",
        "automatic_clustering": "OFF",
        "change_tracking": "ON" if entry.properties.get("CHANGE_TRACKING") else "OFF",
        "is_external": "N",
        "enable_schema_evolution": "N",
        "owner_role_type": "ROLE",
        "is_event": "N",
        "is_hybrid": "N",
        "is_iceberg": "N",
        "is_dynamic": "Y" if dynamic else "N",
        "is_immutable": "N",
        "reserved": "",
        "text": entry.properties.get("text", sql),
        "is_secure": "true" if entry.properties.get("secure") else "false",
        "is_materialized": "false",
    }
