"""Dynamic tables: CREATE, ALTER, DROP, SHOW, DESCRIBE, and what may not be done to them.

Source: Snowflake, "CREATE DYNAMIC TABLE", "DROP DYNAMIC TABLE", "SHOW DYNAMIC TABLES", "DESCRIBE
DYNAMIC TABLE"; the columns of SHOW that snowflake-ml's ``feature_store.py`` reads.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..catalog import Entry
from ..dynamic import modes
from ..dynamic.definition import DOWNSTREAM, Definition, qualified, read, tables_of, warehouse
from ..dynamic.refresh import FACT, KIND, Refresher, replace_name, select
from ..faults import SnowflakeError, already_exists, invalid, not_found, unexpected
from ..names import Path, always_quoted, parts_of
from ..queries import CURRENT
from ..registry import Call, Scope, Statement
from ..results import ResultSet, status
from . import tags
from .columns import DESCRIBED, columns_of, described
from .showing import object_name
from .tables import listed, refuse_other_kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

_COLUMNS = ["created_on timestamp_ltz", "name", "database_name", "schema_name", "cluster_by"]
_COLUMNS += ["rows fixed", "bytes fixed", "owner", "target_lag", "refresh_mode"]
_COLUMNS += ["refresh_mode_reason", "warehouse", "comment", "text", "automatic_clustering"]
_COLUMNS += ["scheduling_state", "last_suspended_on timestamp_ltz", "is_clone", "is_replica"]
_COLUMNS += ["is_iceberg", "data_timestamp timestamp_ltz", "owner_role_type", "scheduler"]
_COLUMNS += ["initialization_warehouse"]
_FRESH: dict[str, Any] = {
    "state": "ACTIVE",
    "suspended_by": "",
    "last_suspended_on": None,
    "data_timestamp": None,
    "errors": 0,
    "inputs": {},
}
"""What a table starts with; each refresh changes it."""


def install(account: Account) -> None:
    """Register the statements, the rules and the loop that refreshes what is due."""
    from ..dynamic.refresh import LOOK_SECONDS

    refresher = Refresher(account)
    account.parts[Refresher] = refresher
    account.statement("CREATE [OR REPLACE] [TRANSIENT] DYNAMIC TABLE [IF NOT EXISTS]", create)
    account.statement("CREATE [OR REPLACE] TEMPORARY|TEMP DYNAMIC TABLE", no_temporary)
    account.statement("DROP DYNAMIC TABLE [IF EXISTS]", drop)
    account.show("DYNAMIC TABLES", _COLUMNS, show)
    account.describe("DYNAMIC TABLE", DESCRIBED, describe)
    account.guard(lambda session, statement: no_truncate(account, session, statement))
    account.rewrite(lambda session, tree: no_writes(account, session, tree))
    account.observe(lambda session, tree, result: follow(account, session, tree))
    account.every(LOOK_SECONDS, refresher.run_due)


def no_temporary(call: Call) -> ResultSet:
    """Refuse: there are no temporary dynamic tables. Source: "Dynamic table limitations"."""
    token = next(t for t in call.reader.tokens if t.word == "DYNAMIC")
    raise unexpected(token.text, token.start)


def create(call: Call) -> ResultSet:
    """Create a dynamic table and, unless it is to wait, fill it."""
    path = object_name(call, KIND)
    found = read(call, path.name)
    catalog = call.account.catalog
    if catalog.find(KIND, path) is not None and call.if_not_exists:
        return status(f"{path.name} already exists, statement succeeded.")
    refuse_other_kind(call, path, "VIEW")
    if not call.or_replace and _stands(call, path):
        raise already_exists(path.name)
    entry = _entry(call, path, found)
    _build(call, entry, found)
    tags.attach(call.account, call.session, "TABLE", path, found.options.get("TAG", {}))
    return status(f"Dynamic table {path.name} successfully created.")


def _stands(call: Call, path: Path) -> bool:
    scope = Scope("SCHEMA", Path(path.database, path.schema, ""))
    return any(row[2] == path.name for row in listed(call.account, call.session, scope, "TABLE"))


def _entry(call: Call, path: Path, found: Definition) -> Entry:
    options = found.options
    tree = qualified(call.session, call.account.router.parse(found.query))
    if not isinstance(tree, exp.Query):
        raise invalid(f"The definition of Dynamic Table '{path.name}' is no query.")
    modes.refuse(tree, path.name)
    _sources_stand(call, tree)
    reason = _why_full(call, tree)
    if options["REFRESH_MODE"] == "INCREMENTAL" and reason:
        raise SnowflakeError(
            f"SQL compilation error:\nDynamic Table '{path.name}' cannot be created with refresh "
            f"mode INCREMENTAL: {reason}",
            number=2,
            state="0A000",
        )
    full = options["REFRESH_MODE"] == "FULL" or reason is not None
    initial = options.get("INITIALIZATION_WAREHOUSE")
    return Entry(
        kind=KIND,
        path=path,
        owner=call.session.role,
        created_on=call.account.clock.now(),
        comment=str(options.get("COMMENT", "")),
        properties={
            "text": call.text.strip().rstrip(";"),
            "query": tree.sql(dialect="snowflake"),
            "columns": list(found.columns),
            "column_comments": found.comments,
            "target_lag": options["TARGET_LAG"],
            "warehouse": warehouse(call, options["WAREHOUSE"], path.name),
            "initialization_warehouse": warehouse(call, initial, path.name) if initial else "",
            "refresh_mode": "FULL" if full else "INCREMENTAL",
            "refresh_mode_reason": reason if options["REFRESH_MODE"] == "AUTO" else None,
            "initialize": options["INITIALIZE"],
            "scheduler": str(options.get("SCHEDULER", "ENABLE")).upper(),
            "cluster_by": found.cluster_by,
            **_FRESH,
        },
    )


def _sources_stand(call: Call, tree: exp.Expr) -> None:
    paths = tables_of(tree)
    if not paths:
        raise modes.no_base_table()
    for path in paths:
        # Another session, which refreshes it, cannot see this one's temporary tables.
        if ("TABLE", path) in call.session.temporary:
            raise invalid(f"Temporary table '{path.name}' is not supported as a source.")


def _why_full(call: Call, tree: exp.Expr) -> str | None:
    if reason := modes.why_full(tree):
        return reason
    for path in call.account.part(Refresher).tables(tree):
        upper = call.account.catalog.find(KIND, path)
        if upper is not None and upper.properties["refresh_mode"] == "FULL":
            return f"Upstream dynamic table '{path.name}' has refresh mode FULL."
    return None


def _build(call: Call, entry: Entry, found: Definition) -> None:
    """Make the table under another name and then put it in place, so that all or nothing is."""
    account, session = call.account, call.session
    refresher = account.part(Refresher)
    query = CURRENT.get()
    moment = account.clock.now()
    scratch = replace_name(entry.path, "MADE")
    text = str(entry.properties["query"])
    if found.columns:
        text = select(list(found.columns), text)
    waits = entry.properties["initialize"] == "ON_SCHEDULE"
    if waits:
        text = f"SELECT * FROM ({text}) LIMIT 0"
    else:
        _upstream_first(refresher, account.router.parse(text), moment)
    session.require_warehouse()
    account.router.execute(session, account.router.parse(f"CREATE TABLE {scratch} AS {text}"))
    account.catalog.drop("TABLE", scratch)
    names = [column["name"] for column in columns_of(session, scratch)]
    _forget(account, entry.path)
    table = ".".join(always_quoted(part) for part in entry.path)
    session.connection.raw(f"drop table if exists {table}")
    made = ".".join(always_quoted(part) for part in scratch)
    session.connection.raw(f"alter table {made} rename to {always_quoted(entry.path.name)}")
    entry = entry.with_properties(columns=names)
    if not waits:
        tree = account.router.parse(str(entry.properties["query"]))
        entry = entry.with_properties(
            inputs=refresher.fingerprint(session, tree), data_timestamp=moment.isoformat()
        )
    account.catalog.create(entry)
    if not waits and query is not None:
        rows = session.connection.raw(f"select count(*) from {table}")[0][0]
        refresher.created(entry, int(rows), query, moment)


def _upstream_first(refresher: Refresher, tree: exp.Expr, moment: datetime) -> None:
    """Refresh what refreshes only with its readers, since a reader is being filled now."""
    for upper in refresher.named(tree):
        found = upper.properties
        if found["target_lag"] == DOWNSTREAM or not found["data_timestamp"]:
            refresher.refresh(upper, trigger="CREATION", at=moment)


def _forget(account: Account, path: Path) -> None:
    """Drop what the catalogue knows of a table of that name, its tags too."""
    account.catalog.drop(KIND, path)
    account.catalog.drop("TABLE", path)
    account.catalog.forget("TABLE", path)


def drop(call: Call) -> ResultSet:
    """Drop a dynamic table."""
    path = call.session.resolve(call.reader.name(), "DROP DYNAMIC TABLE")
    call.reader.end()
    call.account.router.commit(call.session)
    if call.account.catalog.find(KIND, path) is None:
        if call.if_exists and not _stands(call, path):
            return status(f"Drop statement executed successfully ({path.name} already dropped).")
        raise not_found(KIND, str(path))
    table = ".".join(always_quoted(part) for part in path)
    call.session.connection.raw(f"drop table if exists {table}")
    _forget(call.account, path)
    return status(f"{path.name} successfully dropped.")


def no_truncate(account: Account, session: Session, statement: Statement) -> None:
    """Refuse TRUNCATE. Source: "Dynamic table limitations"."""
    words = statement.words
    if words[:1] != ("TRUNCATE",):
        return
    start = 1 + (words[1:2] == ("TABLE",)) + 2 * (words[2:4] == ("IF", "EXISTS"))
    text = "".join(token.text for token in statement.tokens[start:]).rstrip(";")
    if account.catalog.find(KIND, session.resolve(parts_of(text))) is not None:
        raise _no_dml(text)


def _no_dml(name: str) -> SnowflakeError:
    # The text is ours: the page says that it is refused, not how.
    return invalid(f"DML operations are not allowed on Dynamic Table '{name}'.")


def no_writes(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Refuse DML on a dynamic table, and reading one that has no data yet.

    Source: Snowflake, "Understanding dynamic table initialization and refresh".
    """
    if FACT in session.facts or not isinstance(tree, exp.Query | exp.DML | exp.Merge | exp.Create):
        return tree
    target = tree.this if isinstance(tree, exp.DML | exp.Merge) else None
    target = target.this if isinstance(target, exp.Schema) else target
    known = {entry.path: entry for entry in account.catalog.all(KIND)}
    if not known:
        return tree
    for table in tree.find_all(exp.Table):
        path = _path(session, table)
        entry = known.get(path) if path else None
        if entry is None:
            continue
        if table is target:
            raise _no_dml(entry.name)
        if not entry.properties["data_timestamp"] and not isinstance(tree, exp.Create):
            raise invalid(
                f"Dynamic Table '{entry.path}' is not initialized. Please run a manual refresh or "
                "wait for a scheduled refresh before querying."
            )
    return tree


def _path(session: Session, table: exp.Table) -> Path | None:
    from .temporary import _path as resolved

    return resolved(session, table)


def follow(account: Account, session: Session, tree: exp.Expr) -> None:
    """Follow what ALTER TABLE, DROP TABLE and CREATE OR REPLACE TABLE did to a dynamic table."""
    from ..router import table_parts, target_of

    target = target_of(tree)
    if target is None or not isinstance(tree, exp.Alter | exp.Drop | exp.Create):
        return
    path = session.resolve(table_parts(target))
    if account.catalog.find(KIND, path) is None:
        return
    if isinstance(tree, exp.Drop) or (
        isinstance(tree, exp.Create) and tree.args.get("replace") and tree.kind == "TABLE"
    ):
        account.catalog.drop(KIND, path)
    elif isinstance(tree, exp.Alter):
        for action in tree.args.get("actions") or []:
            if isinstance(action, exp.AlterRename):
                new = session.resolve(table_parts(action.this))
                account.catalog.rename(KIND, path, new)
                account.catalog.follow("TABLE", path, new)


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the dynamic tables."""
    sizes = {Path(*row[:3]): row[3] for row in listed(call.account, call.session, scope, "TABLE")}
    for entry in call.account.catalog.all(KIND, scope.database, scope.schema):
        found = entry.properties
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "database_name": entry.path.database,
            "schema_name": entry.path.schema,
            "cluster_by": found["cluster_by"],
            "rows": sizes.get(entry.path, 0),
            "bytes": 0,
            "owner": entry.owner,
            "target_lag": found["target_lag"],
            "refresh_mode": found["refresh_mode"],
            "refresh_mode_reason": found["refresh_mode_reason"],
            "warehouse": found["warehouse"],
            "comment": entry.comment,
            "text": found["text"],
            "automatic_clustering": "ON" if found["cluster_by"] else "OFF",
            "scheduling_state": found["state"],
            "last_suspended_on": moment(found["last_suspended_on"]),
            "is_clone": "false",
            "is_replica": "false",
            "is_iceberg": "false",
            "data_timestamp": moment(found["data_timestamp"]),
            "owner_role_type": "ROLE",
            "scheduler": found["scheduler"],
            "initialization_warehouse": found["initialization_warehouse"] or None,
        }


def moment(text: str | None) -> datetime | None:
    """Return a kept time."""
    return datetime.fromisoformat(text) if text else None


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield the columns of a dynamic table."""
    path = call.session.resolve(parts, "DESCRIBE")
    call.account.catalog.get(KIND, path)
    return described(call, path)
