"""Route a statement: flow, guards, handlers of rooms, rewrites, engine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from . import headings, results
from .binds import settle
from .bulk import Bulk
from .bulk import read as read_bulk
from .faults import SnowflakeError, syntax_error, unsupported
from .lexer import Token, tokenize
from .names import fold
from .queries import CURRENT
from .reader import Reader
from .registry import Call, Registered, Statement
from .results import ResultSet

if TYPE_CHECKING:
    from .account import Account
    from .queries import Query
    from .session import Session

_CREATES = {"TABLE", "VIEW", "SEQUENCE"}
_ALTERS = {"TABLE", "VIEW"}
_OF_THE_CATALOG = {
    (word,)
    for word in "ROLE TAG WAREHOUSE FUNCTION PROCEDURE USER STAGE ALERT SECRET NETWORK".split()
}
"""What ALTER changes in the catalogue alone: all of it, or nothing when the rest is refused."""
_CONFLICT = 625
_NOT_FOUND = 2003
_ATTEMPTS = 50


class Router:
    """Runs statements of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def run(self, session: Session, text: str, *, describe: bool = False) -> ResultSet:
        """Run one statement; binds are in its text already.

        Raises:
            SnowflakeError: it was refused; an unknown statement is in the record as ``unknown``.
        """
        tokens = tokenize(text)
        if not _block(tokens) and any(token.text == "->>" for token in tokens):
            return self._flow(session, text, tokens)
        plain = text if _block(tokens) else settle(text, tokens, session.variables)
        # A long INSERT has hundreds of thousands of tokens: they are not read twice.
        reader = Reader(plain, tokens if plain is text else None)
        if reader.done:
            raise syntax_error("Empty SQL statement.")
        statement = Statement(plain, reader.tokens)
        for guard in self._account.registry.guards:
            guard(session, statement)
        for taken, flags, registered in self._account.registry.handlers(reader.tokens):
            call = Call(
                self._account, session, plain, Reader(plain, reader.tokens), flags, describe
            )
            call.reader.at = taken
            if (result := self._handle(call, registered)) is not None:
                return result
        return self._engine(session, plain, reader.tokens, describe=describe)

    def _handle(self, call: Call, registered: Registered) -> ResultSet | None:
        if not call.describe:
            words = tuple(token.word for token in call.reader.tokens[:2])
            if words[:1] != ("ALTER",) or words[1:] not in _OF_THE_CATALOG:
                return registered.handler(call)
            with self._account.catalog.transaction():
                return registered.handler(call)
        if not registered.reads:
            return results.empty(results.done())
        result = registered.handler(call)
        return None if result is None else results.empty(result)

    def _flow(self, session: Session, text: str, tokens: list[Token]) -> ResultSet:
        """Run ``a ->> b ->> c``; ``$1`` is the statement before, ``$2`` the one before that.

        Source: Snowflake, "Flow operators".
        """
        cuts = [0, *(t.end for t in tokens if t.text == "->>")]
        ends = [*(t.start for t in tokens if t.text == "->>"), len(text)]
        ids: list[str] = []
        result: ResultSet | None = None
        for start, end in zip(cuts, ends, strict=True):
            part = _with_results(text[start:end], ids)
            query = self._account.queries.inline(session, part, partial(self._part, session, part))
            if query.error is not None or query.result is None:
                raise query.error or syntax_error("Empty SQL statement.")
            result = query.result
            ids.append(query.id)
        if result is None:  # pragma: no cover - a flow has at least two parts
            raise syntax_error("Empty SQL statement.")
        return result

    def _part(self, session: Session, text: str, _: Query) -> ResultSet:
        return self.run(session, text)

    def parse(self, text: str) -> exp.Expr:
        """Return the statement as sqlglot reads it."""
        try:
            return sqlglot.parse_one(text, read="snowflake")
        except (SqlglotError, RecursionError, ValueError) as error:
            self._account.record.add("unknown", sql=text, error=str(error))
            raise _cannot_parse(error, text) from None

    def _engine(
        self, session: Session, text: str, tokens: list[Token], *, describe: bool
    ) -> ResultSet:
        bulk = None if describe else read_bulk(text, tokens)
        expression = self.parse(bulk.text if bulk else text)
        if not _known(expression):
            first = " ".join(text.split()[:6])
            self._account.record.add("unknown", sql=text, session=session.id)
            raise unsupported(f"statement '{first}' is not known to this emulator.")
        named = headings.name(expression, text, tokens)
        return self.execute(session, named, describe=describe, bulk=bulk)

    def execute(
        self,
        session: Session,
        expression: exp.Expr,
        *,
        describe: bool = False,
        bulk: Bulk | None = None,
    ) -> ResultSet:
        """Run a parsed statement: rewrites, locks, engine, observers.

        The rows of *bulk* take the place of the one row of NULL in *expression*.
        """
        original = expression.copy()
        for rewrite in self._account.registry.early:
            expression = rewrite(session, expression)
        with session.connection.lock:
            self._settle_place(session)
            try:
                for rewrite in self._account.registry.rewrites:
                    expression = rewrite(session, expression)
                if describe:
                    return self._describe(session, expression)
                if bulk is not None:
                    expression.set("expression", _registered(session, bulk))
                result = self._write(session, expression, original)
            except SqlglotError as error:
                raise syntax_error(str(error)) from error
            finally:
                session.connection.unregister()
        for observer in self._account.observers:
            observer(session, original, result)
        return result

    def _of_a_view(self, session: Session, tree: exp.Expr, error: SnowflakeError) -> SnowflakeError:
        """Return 002037 where it is a view that reads what is not there, or else *error*.

        Source: the error that Snowflake's users report; the names of *tree* itself do stand.
        """
        if error.number != _NOT_FOUND:
            return error
        for table in tree.find_all(exp.Table):
            parts = table_parts(table)
            try:
                path = session.resolve(parts) if parts else None
            except SnowflakeError:
                continue
            if path and self._account.catalog.find("VIEW", path):
                return SnowflakeError(
                    "SQL compilation error:\nFailure during expansion of view "
                    f"'{path.name}': {error.message}",
                    number=2037,
                    state="42601",
                )
        return error

    def _settle_place(self, session: Session) -> None:
        """Leave a database or schema that another session has dropped."""
        from .names import Path

        database, schema = session.database, session.schema
        if database is None:
            return
        catalog = self._account.catalog
        if catalog.find("DATABASE", Path("", "", database)) is None:
            session.connection.use(None, None)
        elif (
            schema is not None
            and schema != "INFORMATION_SCHEMA"
            and catalog.find("SCHEMA", Path(database, "", schema)) is None
        ):
            session.connection.use(database, None)

    def _describe(self, session: Session, expression: exp.Expr) -> ResultSet:
        if isinstance(expression, exp.Query):
            return results.empty(session.connection.run(expression.limit(0)))
        match expression:
            case exp.Insert():
                counts, kind = ["inserted"], results.INSERT
            case exp.Update():
                counts, kind = ["updated"], results.UPDATE
            case exp.Delete():
                counts, kind = ["deleted"], results.DELETE
            case _:
                return results.empty(results.done())
        names = [f"number of rows {count}" for count in counts]
        if kind == results.UPDATE:
            names.append("number of multi-joined rows updated")
        return results.rows([results.Column(n, "fixed", 38, 0) for n in names], [], kind)

    def _write(self, session: Session, expression: exp.Expr, original: exp.Expr) -> ResultSet:
        connection = session.connection
        if isinstance(expression, exp.Query):
            try:
                return connection.run(expression)
            except SnowflakeError as error:
                raise self._of_a_view(session, original, error) from error
        if not isinstance(expression, exp.DML | exp.Merge | exp.TruncateTable):
            self.commit(session)  # DDL ends the transaction, and is one of its own
        elif not session.parameters.get("AUTOCOMMIT", True):
            connection.begin()
        self._lock(session, original)
        alone = not connection.in_transaction
        try:
            asked = [call(session, original) for call in self._account.registry.written]
            checks = [check for check in asked if check is not None]
            return self._attempt(session, expression, checks, alone=alone)
        finally:
            if alone:
                self._account.locks.release(session.id)

    def _attempt(
        self,
        session: Session,
        expression: exp.Expr,
        checks: list[Callable[[], None]],
        *,
        alone: bool,
    ) -> ResultSet:
        # fakesnow runs INSERT OVERWRITE as several statements: all of them, or none.
        overwrites = isinstance(expression, exp.Insert) and expression.args.get("overwrite")
        whole = alone and bool(overwrites or checks)
        pause = threading.Event()
        for attempt in range(_ATTEMPTS):
            try:
                if not whole:
                    return self._checked(session, expression, checks)
                session.connection.begin()
                result = session.connection.run(expression.copy())
                for check in checks:
                    check()
                session.connection.end(commit=True)
            except SnowflakeError as error:
                if whole:
                    session.connection.end(commit=False)
                if error.number != _CONFLICT or not alone or attempt == _ATTEMPTS - 1:
                    raise
                pause.wait(0.005 * (attempt + 1))
            else:
                return result
        raise AssertionError("unreachable")  # pragma: no cover

    def _checked(
        self, session: Session, expression: exp.Expr, checks: list[Callable[[], None]]
    ) -> ResultSet:
        result = session.connection.run(expression.copy())
        try:
            for check in checks:
                check()
        except SnowflakeError:
            # The engine cannot take back one statement of a transaction.
            session.connection.give_up()
            raise
        return result

    def _lock(self, session: Session, expression: exp.Expr) -> None:
        target = target_of(expression)
        if target is None:
            return
        query = CURRENT.get()
        self._account.locks.acquire(
            str(session.resolve(table_parts(target))),
            session.id,
            exclusive=not isinstance(expression, exp.Insert),
            timeout=float(session.parameters.get("LOCK_TIMEOUT", 43200)),
            stop=query.cancel if query else None,
        )

    def commit(self, session: Session) -> None:
        """End the transaction, if there is one, and release its locks."""
        session.connection.end(commit=True)
        self._account.locks.release(session.id)


def _registered(session: Session, bulk: Bulk) -> exp.Select:
    """Make the rows readable for the length of the statement, and return the query for them."""
    name = f"_bulk_{id(bulk)}"
    session.connection.register(name, bulk.table)
    table = exp.table_(name, db="main", catalog="temp", quoted=True)
    return exp.select(*(exp.column(c, quoted=True) for c in bulk.table.column_names)).from_(table)


def _cannot_parse(error: Exception, text: str) -> SnowflakeError:
    details = getattr(error, "errors", None)
    if not details:
        return syntax_error(f"cannot be parsed: {text[:100]}")
    one = details[0]
    near = one.get("highlight") or text.split(maxsplit=1)[0]
    line, column = one.get("line") or 1, one.get("col") or 0
    return syntax_error(f"syntax error line {line} at position {column} unexpected '{near}'.")


def target_of(expression: exp.Expr) -> exp.Table | None:
    """Return the table that a statement creates, changes or drops, or None."""
    target: object = expression.this
    if isinstance(expression, exp.TruncateTable):
        target = next(iter(expression.expressions), None)
    elif isinstance(expression, exp.Drop):
        target = next(iter(expression.args.get("tables") or []), expression.this)
    if isinstance(target, exp.Schema):
        target = target.this
    if isinstance(target, exp.Table) and isinstance(target.this, exp.Identifier):
        return target
    return None


def table_parts(table: exp.Table) -> tuple[str, ...]:
    """Return the stored parts of a table's name."""
    idents = [table.args.get("catalog"), table.args.get("db"), table.this]
    return tuple(stored(i) for i in idents if isinstance(i, exp.Identifier) and i.this)


def stored(identifier: exp.Identifier) -> str:
    """Return a name as it is stored: in capitals, unless it has quotes."""
    return str(identifier.this) if identifier.quoted else fold(str(identifier.this))


def _known(expression: exp.Expr) -> bool:
    kind = str(expression.args.get("kind") or "").upper()
    match expression:
        case exp.Create() | exp.Drop():
            return kind in _CREATES
        case exp.Alter():
            return kind in _ALTERS
        case exp.Command():
            return False
        case exp.Query() | exp.DML() | exp.Merge() | exp.TruncateTable():
            return True
    return isinstance(expression, exp.Values | exp.MultitableInserts)


def _block(tokens: list[Token]) -> bool:
    words = [token.word for token in tokens[:2]]
    if words[:1] == ["DECLARE"]:
        return True
    return (
        words[:1] == ["BEGIN"]
        and len(words) > 1
        and words[1]
        not in {
            ";",
            "TRANSACTION",
            "WORK",
            "NAME",
        }
    )


def _with_results(part: str, ids: list[str]) -> str:
    from .binds import replace

    tokens = tokenize(part)

    def change(index: int) -> tuple[int, str] | None:
        token = tokens[index]
        before = tokens[index - 1].word if index else ""
        if token.kind != "VARIABLE" or before not in {"FROM", "JOIN", ","}:
            return None
        number = token.text[1:]
        if not number.isdigit() or not 0 < int(number) <= len(ids):
            return None
        return 1, f"TABLE(RESULT_SCAN('{ids[-int(number)]}'))"

    return replace(part, tokens, change)
