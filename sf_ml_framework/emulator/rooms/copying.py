"""COPY INTO a table; into a location is :mod:`.unloading`.

Source: Snowflake, "COPY INTO <table>": a file is loaded once unless FORCE says otherwise; ON_ERROR
is ABORT_STATEMENT by default. Source: "Transactions": what a rollback takes back was not loaded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..faults import SnowflakeError, invalid, unsupported
from ..names import Path, join
from ..registry import Call
from ..results import COPY, ResultSet, rows
from ..router import table_parts, target_of
from .columns import columns_of
from .file_options import matcher, of_load
from .formats import read, replace_stage, resolve, stage_of
from .stages import location, plain
from .unloading import unload

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session
    from ..stages import StageFile

_LOADED = [
    "file",
    "status",
    "rows_parsed fixed",
    "rows_loaded fixed",
    "error_limit fixed",
    "errors_seen fixed",
]
_LOADED += [
    "first_error",
    "first_error_line fixed",
    "first_error_character fixed",
    "first_error_column_name",
]


def install(account: Account) -> None:
    """Register COPY INTO and the history of loaded files."""
    account.catalog.table(
        "create table if not exists load_history (target text not null, file text not null, "
        "md5 text not null, primary key (target, file))"
    )
    account.statement("COPY INTO", copy)
    account.observe(lambda session, tree, result: forget(account, session, tree))


def forget(account: Account, session: Session, tree: exp.Expr) -> None:
    """A table that is new or truncated has loaded nothing."""
    target = target_of(tree)
    if isinstance(tree, exp.Create | exp.Drop | exp.TruncateTable) and target is not None:
        path = session.resolve(table_parts(target))
        _committed(
            session,
            str(path),
            partial(
                account.catalog.execute, "delete from load_history where target = ?", (str(path),)
            ),
        )


def _committed(session: Session, key: Any, call: Callable[[], Any]) -> None:
    """Call it when the transaction is committed, or now when there is none."""
    if session.connection.in_transaction:
        session.connection.at_commit.append((key, call))
    else:
        call()


def copy(call: Call) -> ResultSet:
    """Load into a table, or unload into a stage."""
    token = call.reader.peek()
    text = token.value if token.kind == "STRING" else token.text
    if text.startswith("@"):
        return unload(call)
    return load(call)


def _plain_query(query: exp.Expr) -> None:
    """Refuse what the query of a load may not have.

    Source: Snowflake, "Transform data during a load", "COPY INTO <table>" (transformation
    parameters): columns of one stage, without filters, order, groups, joins or aggregates.
    """
    clauses = ("where", "order", "limit", "group", "having", "qualify", "joins", "offset", "with_")
    found = next((clause for clause in clauses if query.args.get(clause)), None)
    if found is None and (isinstance(query, exp.SetOperation) or query.find(exp.AggFunc)):
        found = "set operation" if isinstance(query, exp.SetOperation) else "aggregate function"
    if found is not None:
        raise SnowflakeError(
            "SQL compilation error:\nCOPY statement only supports simple SELECT from stage "
            f"statements for import ({found.strip('_')}).",
            number=2080,
            state="0A000",
        )


def _names(call: Call) -> list[str]:
    found: list[str] = []
    if call.reader.accept("("):
        while not call.reader.accept(")"):
            found.append(call.reader.name()[0])
            call.reader.accept(",")
    return found


def load(call: Call) -> ResultSet:
    """Run ``COPY INTO table [(columns)] FROM @stage | (SELECT .. FROM @stage)``."""
    reader, session, account = call.reader, call.session, call.account
    path = session.resolve(reader.name(), "COPY")
    columns = _names(call)
    reader.expect("FROM")
    query = None
    if reader.peek().text == "(":
        query = account.router.parse(reader.bracketed())
        node = next((n for n in query.find_all(exp.Table) if stage_of(n)), None)
        written = stage_of(node) if node is not None else None
        if written is None:
            raise invalid("COPY takes its rows from a stage")
        _plain_query(query)
    else:
        written = location(reader)
    options = plain(reader.properties())
    of_load(options)
    where = account.stages.locate(session, written)
    files = _chosen(account.stages.files(where), options, where.inside)
    format_options = resolve(account, session, options.get("FILE_FORMAT"), written)
    account.access.warehouse(session)
    target = columns_of(session, path)
    names = columns or [c["name"] for c in target]
    with _whole(call, options):
        found = [
            _load_file(call, path, file, query, names, options, format_options) for file in files
        ]
    if not found:
        return rows(["status"], [("Copy executed with 0 files processed.",)], COPY)
    for file, row in zip(files, found, strict=True):
        if row[1] == "LOADED":
            note = partial(_note, account, path, file, file.md5, purge=bool(options.get("PURGE")))
            _committed(session, (str(path), str(file.path), file.md5), note)
    result = rows(_LOADED, found, COPY)
    result.affected = sum(row[3] for row in found)
    return result


@contextlib.contextmanager
def _whole(call: Call, options: dict[str, Any]) -> Iterator[None]:
    """Load all files or none: what ON_ERROR = ABORT_STATEMENT leaves behind is nothing."""
    connection = call.session.connection
    aborts = str(options.get("ON_ERROR", "ABORT_STATEMENT")).upper() == "ABORT_STATEMENT"
    with connection.lock:
        alone = aborts and not connection.in_transaction
        if alone:
            connection.begin()
        try:
            yield
        except BaseException:
            if alone:
                connection.end(commit=False)
            raise
        else:
            if alone and call.session.parameters.get("AUTOCOMMIT", True):
                connection.end(commit=True)
        finally:
            if alone and not connection.in_transaction:
                call.account.locks.release(call.session.id)


def _note(account: Account, path: Path, file: StageFile, digest: str, *, purge: bool) -> None:
    account.catalog.execute(
        "insert or replace into load_history values (?, ?, ?)",
        (str(path), str(file.path), digest),
    )
    if purge:
        file.path.unlink(missing_ok=True)


def _is_loaded(call: Call, path: Path, file: StageFile, digest: str) -> bool:
    mine = (str(path), str(file.path), digest)
    known = call.account.catalog.execute(
        "select 1 from load_history where target = ? and file = ? and md5 = ?", mine
    )
    loaded = bool(known)
    for key, _ in call.session.connection.at_commit:
        if key == str(path):  # truncated
            loaded = False
        elif key == mine:
            loaded = True
    return loaded


def _chosen(files: list[StageFile], options: dict[str, Any], inside: str) -> list[StageFile]:
    if wanted := options.get("FILES"):
        names = [f"{inside}/{w}".strip("/") for w in wanted]
        files = [f for f in files if any(str(f.path).endswith("/" + n) for n in names)]
        if len(files) < len(names):
            raise SnowflakeError(
                f"Remote file '{names[0]}' was not found.", number=91016, state="22000"
            )
    if pattern := options.get("PATTERN"):
        asked = matcher(pattern)
        files = [f for f in files if asked.fullmatch(f.name)]
    return files


def _load_file(  # noqa: PLR0917
    call: Call,
    path: Path,
    file: StageFile,
    query: exp.Expr | None,
    columns: list[str],
    options: dict[str, Any],
    format_options: dict[str, Any],
) -> tuple[Any, ...]:
    account, session = call.account, call.session
    if not options.get("FORCE") and _is_loaded(call, path, file, file.md5):
        message = "File was loaded before."
        return (file.name, "LOAD_SKIPPED", 0, 0, 1, 1, message, None, None, None)
    try:
        with session.connection.lock:
            select = _selection(session, file, query, columns, options, format_options, path)
            count = account.router.execute(session, _insert(path, columns, select)).affected or 0
    except SnowflakeError as error:
        how = str(options.get("ON_ERROR", "ABORT_STATEMENT")).upper()
        if how == "CONTINUE":
            raise unsupported(
                f"ON_ERROR = CONTINUE with a faulty file ({error.message}) is not known here."
            ) from error
        if not how.startswith("SKIP_FILE"):
            raise
        return (file.name, "LOAD_FAILED", 0, 0, 1, 1, error.message, 1, 1, None)
    finally:
        session.connection.unregister()
    return (file.name, "LOADED", count, count, 1, 0, None, None, None, None)


def _insert(path: Path, columns: list[str], select: exp.Expr) -> exp.Insert:
    target = exp.Schema(
        this=exp.to_table(join(path), dialect="snowflake"),
        expressions=[exp.to_identifier(c, quoted=True) for c in columns],
    )
    return exp.Insert(this=target, expression=select)


def _selection(  # noqa: PLR0917
    session: Session,
    file: StageFile,
    query: exp.Expr | None,
    columns: list[str],
    options: dict[str, Any],
    format_options: dict[str, Any],
    path: Path,
) -> exp.Expr:
    if query is not None:
        query = query.copy()
        node = next(n for n in query.find_all(exp.Table) if stage_of(n))
        replace_stage(session, node, [file], format_options)
        return query
    kind = str(format_options["TYPE"]).upper()
    matching = str(options.get("MATCH_BY_COLUMN_NAME", "NONE")).upper()
    types = {c["name"]: c["data_type"] for c in columns_of(session, path)}
    node = exp.Table(this=exp.Var(this="@file"))
    select = exp.Select().from_(node)
    if kind == "CSV":
        numbered = [exp.Parameter(this=exp.Literal.number(i + 1)) for i in range(len(columns))]
        select = select.select(*numbered)
    elif matching != "NONE" and kind == "PARQUET":
        select = select.select(*_matched(session, file, format_options, columns, matching))
    elif len(columns) == 1 and types.get(columns[0]) in {"VARIANT", "JSON", "OBJECT", "ARRAY"}:
        select = select.select(exp.Parameter(this=exp.Literal.number(1)))
    else:
        raise SnowflakeError(
            f"SQL compilation error:\n{kind} file format can produce one and only one column of "
            "type variant, object, or array. Load data into separate columns using the "
            "MATCH_BY_COLUMN_NAME copy option or copy with transformation.",
            number=2019,
            state="0A000",
        )
    strict = format_options.get("ERROR_ON_COLUMN_COUNT_MISMATCH", True) and matching == "NONE"
    table = next(select.find_all(exp.Table))
    replace_stage(session, table, [file], format_options, exact=kind == "CSV" and bool(strict))
    return select


def _matched(
    session: Session, file: StageFile, options: dict[str, Any], columns: list[str], matching: str
) -> list[exp.Expr]:
    names = [c.name for c in read(session, [file], options, width=0, whole=False).columns]
    exact = matching == "CASE_SENSITIVE"
    found = {name if exact else name.upper(): name for name in names}
    picked: list[exp.Expr] = []
    for column in columns:
        name = found.get(column if exact else column.upper())
        picked.append(exp.column(exp.to_identifier(name, quoted=True)) if name else exp.Null())
    return picked


__all__ = ["install"]
