"""Functions of users in queries: scalar, of tables, aggregates; in Python and in SQL.

A call in Python becomes a function of the engine that hands the rows, as text, to a process; one in
SQL becomes its body. A table function gets its input as lists, one for each partition.

Source: Snowflake, "Python UDFs", "Python UDTFs", "Python UDAFs", "SQL UDFs", "Tabular SQL UDFs".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..authored import calls, kinds
from ..authored.engine import Made, packed, registered, request
from ..authored.partitions import Table, put_in_place
from ..authored.routine import Routine, Routines
from ..authored.views import expand
from ..authored.watching import watching
from ..faults import SnowflakeError, invalid, unsupported
from ..sandbox.workers import Workers
from .known import check

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_DEPTH = 20


def install(account: Account) -> None:
    """Register the rewrite, and the processes that run the code."""
    account.parts[Routines] = Routines(account)
    workers = Workers()
    account.parts[Workers] = workers
    account.on_close(workers.close)
    # Before all others: what it puts in place of a call the others must see.
    account.registry.rewrites.insert(0, lambda session, tree: rewrite(account, session, tree))


def rewrite(account: Account, session: Session, tree: exp.Expr, depth: int = 0) -> exp.Expr:
    """Replace calls of users' functions; SQL functions may call others."""
    if depth > _DEPTH:
        raise invalid("Maximum depth of function calls exceeded.")
    session.connection.watch = watching(session)
    expand(account, session, tree)
    again = False
    for table in list(tree.find_all(exp.TableFromRows)):
        again |= _table(account, session, table)
    found = [node for node in tree.find_all(exp.Anonymous) if not _claimed(account, node)]
    for node in reversed(found):
        whole = calls.whole(node)
        if not isinstance(whole.parent, exp.Window | exp.TableFromRows) or whole.arg_key != "this":
            again |= _scalar(account, session, whole, None)
        elif isinstance(whole.parent, exp.Window):
            again |= _scalar(account, session, whole, whole.parent)
    return rewrite(account, session, tree, depth + 1) if again else tree


def _claimed(account: Account, node: exp.Expr) -> bool:
    """Say whether a call is none of ours: a registered function, or a method of a model."""
    name = str(node.this).upper()
    if name in account.registry.functions or name in account.registry.table_functions:
        return True
    return isinstance(node.parent, exp.ModelAttribute) or name == "MODEL"


def _scalar(account: Account, session: Session, node: exp.Expr, window: exp.Window | None) -> bool:
    """Replace one call; say whether SQL came in that may have calls of its own."""
    around = node.find_ancestor(exp.Select)
    typed = calls.types_of(account, session, around)
    found = calls.chosen(account, session, "FUNCTION", node, typed)
    if found is None:
        return False
    routine, arguments = found
    if routine.columns is not None:
        raise invalid(f"Table function {routine.path.name} must be called in FROM TABLE(..).")
    name = calls.written(node if window is None else window)
    if routine.language == "SQL":
        made, target = _inlined(account, session, routine, arguments), node
    else:
        made, over = _engine_call(account, session, routine, arguments, window)
        target = over or node
    parent = target.parent
    if isinstance(parent, exp.Select) and target.arg_key == "expressions":
        made = exp.alias_(made, name, quoted=True)
    target.replace(made)
    return routine.language == "SQL"


def _engine_call(
    account: Account,
    session: Session,
    routine: Routine,
    arguments: list[exp.Expr],
    window: exp.Window | None,
) -> tuple[exp.Expr, exp.Expr | None]:
    texts = [
        calls.as_text(value, argument.kind)
        for value, argument in zip(arguments, routine.arguments, strict=True)
    ]
    if not routine.aggregate:
        name = _function(account, session, routine, "scalar", max(1, len(texts)))
        call = exp.Anonymous(this=name, expressions=texts or [exp.Null()])
        return calls.from_text(call, routine.returns), None
    name = _function(account, session, routine, "aggregate", 1)
    listed: exp.Expr = packed(texts)
    if window is not None:
        over = window.copy()
        over.set("this", listed)
        listed = over
    call = exp.Anonymous(
        this=name, expressions=[exp.Anonymous(this="_json_text", expressions=[listed])]
    )
    return calls.from_text(call, routine.returns), window


def _function(
    account: Account, session: Session, routine: Routine, do: str, parameters: int
) -> str:
    asked = request(account, session, routine, do)
    workers = account.part(Workers)

    def answer(rows: list[tuple[str | None, ...]]) -> list[str | None]:
        given: Any = [list(row[: len(routine.arguments)]) for row in rows]
        if do != "scalar":
            given = [json.loads(row[0]) if row[0] is not None else [] for row in rows]
        with workers.kept(asked["key"]) as worker:
            data = worker.ask(asked, json.dumps(given).encode(), session.connection.watch)
        found: list[str | None] = json.loads(data)
        return found

    made = Made(key=f"{do} {asked['key']}", parameters=parameters, answer=answer)
    return registered(session, made, volatile=not routine.immutable)


def _inlined(
    account: Account, session: Session, routine: Routine, arguments: list[exp.Expr]
) -> exp.Expr:
    """Return the body of a function in SQL, with its arguments put in."""
    body = (routine.body or "").strip().rstrip(";")
    tree = account.router.parse(body if _is_query(body) else f"SELECT {body}")
    check(account, session, tree)
    tree = _substituted(tree, routine, arguments)
    inner: exp.Expr = tree
    if not _is_query(body):
        inner = tree.expressions[0]
        inner = inner.this if isinstance(inner, exp.Alias) else inner
    elif isinstance(tree, exp.Query):
        inner = tree.subquery()
    kind = exp.DataType.build(routine.returns, dialect="snowflake")
    return (
        exp.paren(inner)
        if kinds.plain(routine.returns) in {"VARIANT", "OBJECT", "ARRAY"}
        else (exp.cast(exp.paren(inner), kind))
    )


def _is_query(body: str) -> bool:
    return body.lstrip("( \n\t").upper().startswith(("SELECT", "WITH"))


def _substituted(tree: exp.Expr, routine: Routine, arguments: list[exp.Expr]) -> exp.Expr:
    values = {
        argument.name: exp.paren(
            exp.cast(value.copy(), exp.DataType.build(argument.kind, dialect="snowflake"))
            if kinds.plain(argument.kind) not in {"VARIANT", "OBJECT", "ARRAY"}
            else value.copy()
        )
        for argument, value in zip(routine.arguments, arguments, strict=True)
    }

    def change(node: exp.Expr) -> exp.Expr:
        if (
            not isinstance(node, exp.Column)
            or node.table
            or not isinstance(node.this, exp.Identifier)
        ):
            return node
        name = node.name if node.this.quoted else node.name.upper()
        return values[name].copy() if name in values else node

    return tree.transform(change)


def _table(account: Account, session: Session, node: exp.TableFromRows) -> bool:
    """Replace ``TABLE(f(..) [OVER (..)])``."""
    window = node.this if isinstance(node.this, exp.Window) else None
    call = window.this if window is not None else node.this
    if not isinstance(calls.inner_call(call), exp.Anonymous) or _claimed(
        account, calls.inner_call(call)
    ):
        return False
    around = node.find_ancestor(exp.Select)
    typed = calls.types_of(account, session, None)
    found = calls.chosen(account, session, "FUNCTION", call, typed)
    if found is None or around is None:
        return False
    routine, arguments = found
    if routine.columns is None:
        raise invalid(f"Function {routine.path.name} does not return a table.")
    if routine.language == "SQL":
        _inline_table(account, session, routine, arguments, node)
        return True
    texts = [
        calls.as_text(value, argument.kind)
        for value, argument in zip(arguments, routine.arguments, strict=True)
    ]
    outputs = tuple((column.name, column.kind) for column in routine.columns)
    name = _function(account, session, routine, "table", 1)
    put_in_place(node, Table(function=name, texts=texts, outputs=outputs, window=window))
    return False


def _inline_table(
    account: Account,
    session: Session,
    routine: Routine,
    arguments: list[exp.Expr],
    node: exp.TableFromRows,
) -> None:
    if any(argument.find(exp.Column) for argument in arguments):
        raise unsupported(f"table function {routine.path.name} in SQL with columns as arguments.")
    body = (routine.body or "").strip().rstrip(";")
    tree = _substituted(check(account, session, account.router.parse(body)), routine, arguments)
    if not isinstance(tree, exp.Query):
        raise SnowflakeError("The body of a table function is a query.", number=1003, state="42000")
    names = [exp.to_identifier(c.name, quoted=True) for c in routine.columns or ()]
    given = node.args.get("alias")
    label = given.this.copy() if given is not None else exp.to_identifier("_emulated_function")
    node.replace(exp.Subquery(this=tree, alias=exp.TableAlias(this=label, columns=names)))
