"""CALL of users' procedures, and anonymous ones: in Python in a process, in SQL as a block.

A procedure speaks in the session of who called it. With the caller's rights it is that session;
with the owner's it has the owner's role and the procedure's schema, and may not change the session.

Source: Snowflake, "CALL", "CALL (with anonymous procedure)", "Understanding caller's rights and
owner's rights stored procedures".
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlglot import exp

from ..authored import calls, kinds
from ..authored.engine import request
from ..authored.routine import Routine
from ..authored.statement import routine as read_routine
from ..authored.watching import watching
from ..faults import SnowflakeError, invalid, syntax_error
from ..names import Path, join
from ..registry import Call, Statement
from ..results import ResultSet, done
from ..sandbox.values import from_text
from ..sandbox.workers import Workers
from ..session import Session
from .block import parse
from .routines import check
from .scripting import Script

if TYPE_CHECKING:
    from ..account import Account

_TOKEN_SECONDS = 86_400
_DEPTH = 16
_OWNERS = "owner's rights"
_REFUSED = {"USE": "USE", "SET": "SET", "UNSET": "UNSET"}


class Lent:
    """The sessions of running procedures; their numbers are negative, so as not to be a client's.

    ``account.part(Lent)``.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(-1, -1)
        self._lock = threading.Lock()

    def number(self) -> int:
        """Return a number that no session has."""
        with self._lock:
            return next(self._numbers)


def install(account: Account) -> None:
    """Register the statements."""
    account.parts[Lent] = Lent()
    account.statement("CALL", call_procedure)
    # It reads: describing a query that starts with WITH goes on to the engine.
    account.statement("WITH", anonymous, reads=True)
    account.guard(unchanged)


def unchanged(session: Session, statement: Statement) -> None:
    """Refuse what an owner's rights procedure may not run.

    Source: Snowflake, "Understanding caller's rights and owner's rights stored procedures".
    """
    if not session.facts.get(_OWNERS) or not session.borrowed:
        return
    words = statement.words
    kind = _REFUSED.get(words[0] if words else "")
    if words[:2] == ("ALTER", "SESSION"):
        kind = "ALTER_SESSION"
    if kind is not None:
        raise SnowflakeError(
            f"Stored procedure execution error: Unsupported statement type '{kind}'.",
            number=90236,
            state="42601",
        )


def call_procedure(call: Call) -> ResultSet | None:
    """Run ``CALL name(..)``."""
    start = call.reader.at
    parts = call.reader.name()
    name = parts[-1]
    if call.reader.peek().text != "(" or name in call.account.registry.functions:
        return None
    if name.startswith("SYSTEM$"):
        return None
    call.reader.bracketed()
    into = call.reader.accept("INTO")
    if into:
        raise syntax_error("INTO outside a block")
    call.reader.end()
    call.reader.at = start
    tree = call.account.router.parse(f"SELECT {call.reader.rest()}")
    node = tree.expressions[0]
    typed = calls.types_of(call.account, call.session, None)
    found = calls.chosen(call.account, call.session, "PROCEDURE", node, typed)
    if found is None:
        raise SnowflakeError(
            f"SQL compilation error:\nUnknown user-defined function {join(parts)}.",
            number=2141,
            state="42601",
        )
    return run(call.account, call.session, *found)


def anonymous(call: Call) -> ResultSet | None:
    """Run ``WITH name AS PROCEDURE (..) .. CALL name(..)``."""
    reader = call.reader
    if reader.peek(1).word != "AS" or reader.peek(2).word != "PROCEDURE":
        return None
    if call.describe:
        return done()
    name = reader.name()[0]
    reader.expect("AS", "PROCEDURE")
    session = call.session
    path = Path(session.database or "", session.schema or "", name)
    routine = read_routine(call, "PROCEDURE", path, anonymous=True)
    # Source: "CALL (with anonymous procedure)": it runs with the rights of the caller.
    routine = changed(routine, execute_as="CALLER")
    check(call, routine)
    reader.expect("CALL")
    tree = call.account.router.parse(f"SELECT {reader.rest()}")
    node = tree.expressions[0]
    if calls.name_of(node) != (name,):
        raise syntax_error(f"CALL names another procedure than {name}.")
    given = calls.arranged(call.account, routine, list(calls.inner_call(node).expressions))
    if given is None:
        raise invalid(f"Invalid arguments for procedure {name}.")
    return run(call.account, session, routine, given)


def run(
    account: Account, session: Session, routine: Routine, arguments: list[exp.Expr]
) -> ResultSet:
    """Run a procedure and return what CALL answers.

    Raises:
        SnowflakeError: its own statements failed, its code did, or time was up.
    """
    texts = _texts(account, session, routine, arguments)
    depth = int(session.facts.get("procedure depth") or 0)
    if depth >= _DEPTH:
        raise SnowflakeError(
            "Stored procedure execution error: Stack overflow: the limit of nested calls is "
            f"{_DEPTH}.",
            number=90234,
            state="54001",
        )
    with _lent(account, session, routine, depth + 1) as inner:
        if routine.language == "SQL":
            return _block(account, inner, routine, texts)
        return _process(account, session, inner, routine, texts)


def _texts(
    account: Account, session: Session, routine: Routine, arguments: list[exp.Expr]
) -> list[str | None]:
    if not arguments:
        return []
    calls.prepare(session)
    values = [
        exp.alias_(calls.as_text(value, argument.kind), f"a{index}")
        for index, (value, argument) in enumerate(zip(arguments, routine.arguments, strict=True))
    ]
    result = account.router.execute(session, exp.select(*values))
    return [None if value is None else str(value) for value in result.rows[0]]


@contextmanager
def _lent(account: Account, session: Session, routine: Routine, depth: int) -> Iterator[Session]:
    """Give the session in which the procedure speaks, for as long as it runs."""
    number = account.part(Lent).number()
    owners = routine.execute_as == "OWNER" and routine.owner != ""
    before = (session.database, session.schema)
    inner = Session(
        id=session.id,  # locks and transactions are the caller's own
        user=session.user,
        role=routine.owner if owners else session.role,
        connection=session.connection,
        warehouse=session.warehouse,
        secondary_roles="NONE" if owners else session.secondary_roles,
        parameters=dict(session.parameters) if owners else session.parameters,
        variables={} if owners else session.variables,
        temporary=session.temporary,
        made=session.made,
        text_lengths=session.text_lengths,
        keys=session.keys,
        facts=session.facts,
        borrowed=True,
    )
    kept = {key: session.facts.get(key) for key in ("procedure depth", _OWNERS)}
    session.facts.update({"procedure depth": depth, _OWNERS: owners})
    account.sessions[number] = inner
    inner.query_ids.extend(session.query_ids[-1:])
    if owners and routine.path.database:
        session.connection.use(routine.path.database, routine.path.schema)
    try:
        inner.facts["lent"] = number
        yield inner
    finally:
        account.sessions.pop(number, None)
        inner.closed.set()
        session.facts.update(kept)
        if owners:
            session.connection.use(*before)
        else:
            session.role, session.warehouse = inner.role, inner.warehouse
            session.secondary_roles = inner.secondary_roles


def _process(
    account: Account,
    session: Session,
    inner: Session,
    routine: Routine,
    texts: list[str | None],
) -> ResultSet:
    asked = request(account, inner, routine, "procedure")
    number = int(inner.facts["lent"])
    name = f"procedure {number}"
    token = account.tokens.issue(
        user=inner.user,
        role=inner.role,
        name=name,
        seconds=_TOKEN_SECONDS,
        facts={"session": number},
    )
    asked |= {"login": _login(account, inner, token), "table": routine.columns is not None}
    try:
        with account.part(Workers).fresh() as worker:
            data = worker.ask(asked, json.dumps(texts).encode(), watching(session))
    finally:
        account.tokens.revoke(user=inner.user, name=name, kind="OAUTH")
    answer = json.loads(data)
    if "query" in answer:
        query = account.queries.find(answer["query"])
        if query is None or query.result is None:
            raise invalid("the procedure's DataFrame has no result")
        return query.result
    return _scalar(account, session, routine, answer["value"])


def _login(account: Account, inner: Session, token: str) -> dict[str, Any]:
    address = urlsplit(account.address)
    return {
        "account": account.name,
        "user": inner.user,
        "authenticator": "oauth",
        "token": token,
        "host": address.hostname,
        "port": address.port,
        "protocol": address.scheme,
        "session_parameters": {},
    }


def _scalar(account: Account, session: Session, routine: Routine, text: str | None) -> ResultSet:
    value: exp.Expr = exp.Null() if text is None else exp.Literal.string(text)
    made = calls.from_text(value, routine.returns)
    if kinds.plain(routine.returns) == "VARCHAR":
        made = exp.cast(made, "TEXT")
    query = exp.select(exp.alias_(made, routine.path.name, quoted=True))
    return account.router.execute(session, query)


def _block(
    account: Account, inner: Session, routine: Routine, texts: list[str | None]
) -> ResultSet:
    """Run a procedure in SQL: its arguments are variables of its block."""
    values = {
        argument.name: from_text(text, argument.kind)
        for argument, text in zip(routine.arguments, texts, strict=True)
    }
    if routine.strict and None in values.values():
        return _scalar(account, inner, routine, None)
    result = Script(account, inner, values).run(parse((routine.body or "").strip()))
    if routine.columns is not None or len(result.columns) != 1:
        return result
    name = routine.path.name
    if result.columns[0].name != "anonymous block":
        return result
    kind = exp.DataType.build(routine.returns, dialect="snowflake")
    if kinds.plain(routine.returns) in {"VARIANT", "OBJECT", "ARRAY"}:
        return ResultSet(
            [changed(result.columns[0], name=name)], result.table.rename_columns([name])
        )
    from .functions import to_literal

    cast = exp.cast(to_literal(result.scalar()), kind)
    return account.router.execute(inner, exp.select(exp.alias_(cast, name, quoted=True)))
