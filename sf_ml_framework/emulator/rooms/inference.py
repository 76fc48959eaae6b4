"""Methods of models in SQL: ``MODEL(name, version)!PREDICT(a, b)`` and ``TABLE(MODEL(..)!F(..))``.

A call becomes a function of the engine that hands batches of rows to the worker process.

Source: Snowflake, "Calling model methods in SQL"; the statements of snowflake-ml's
``model_version.py``, ``invoke_function_method`` and ``invoke_table_function_method``.
"""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..authored import calls, kinds
from ..authored.engine import Made, registered
from ..authored.partitions import Table, put_in_place
from ..catalog import Entry
from ..faults import SnowflakeError, not_found, unexpected, unsupported
from ..models import store
from ..models.runner import MODELS, Runner
from ..models.store import Method
from ..names import fold
from ..reader import Reader
from ..router import stored
from ..sandbox.workers import Workers
from ..serving.functions import put_in_place as put_service_in_place

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from ..account import Account
    from ..session import Session

_FACT = "model functions"
_TYPES = {
    "FLOAT": "DOUBLE",
    "DOUBLE": "DOUBLE",
    "REAL": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "VARCHAR": "VARCHAR",
    "STRING": "VARCHAR",
    "TEXT": "VARCHAR",
    "TINYINT": "BIGINT",
    "SMALLINT": "BIGINT",
    "INT": "BIGINT",
    "INTEGER": "BIGINT",
    "BIGINT": "BIGINT",
    "NUMBER": "BIGINT",
    "DATE": "DATE",
    "TIMESTAMP_NTZ": "TIMESTAMP",
    "BINARY": "BLOB",
}


def install(account: Account) -> None:
    """Register the rewrite."""
    account.parts[Runner] = Runner(account.part(Workers))
    # Before any other rewrite: what it puts in place of a call the others must see.
    account.registry.rewrites.insert(0, lambda session, tree: rewrite(account, session, tree))


def rewrite(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Replace calls of model methods."""
    # service!SPCS_GET_LOGS(..) is written the same way, and is another room's.
    calls = [
        call
        for call in tree.find_all(exp.ModelAttribute)
        if not str(call.expression.name).upper().startswith("SPCS_")
    ]
    for call in calls:
        service = _service(account, session, call)
        if service is not None:
            put_service_in_place(account, session, call, service)
        elif isinstance(call.parent, exp.TableFromRows):
            _table_call(account, session, call)
        else:
            _call(account, session, call)
    return tree


def _service(account: Account, session: Session, call: exp.Expr) -> Entry | None:
    """Return the service whose method is called, or None when it is a model's."""
    node = call.this
    if isinstance(node, exp.Anonymous) or isinstance(call.expression, exp.Window):
        return None
    path = session.resolve(_parts(node))
    return account.catalog.find("SERVICE", path)


def _method(account: Account, session: Session, call: exp.Expr) -> tuple[FilePath, Method]:
    entry, version = _model(account, session, call.this)
    function = call.expression
    function = function.this if isinstance(function, exp.Window) else function
    name = function.this
    folded = name.this if isinstance(name, exp.Identifier) and name.quoted else fold(str(name))
    folder = store.version_folder(account, entry, version)
    found = store.methods(folder).get(str(folded))
    if found is None:
        raise not_found("FUNCTION", f"{entry.name}!{folded}")
    if len(function.expressions) != len(found.inputs):
        raise SnowflakeError(
            f"SQL compilation error: error line 1 at position 0\nInvalid argument types for "
            f"function '{found.name}': it takes {len(found.inputs)} arguments, not "
            f"{len(function.expressions)}",
            number=1044,
            state="42P13",
        )
    return folder, found


def _model(account: Account, session: Session, node: exp.Expr) -> tuple[Entry, str]:
    if not (isinstance(node, exp.Anonymous) and str(node.this).upper() == "MODEL"):
        entry = _usable(account, session, node)
        return entry, store.resolve(entry, None)
    given = node.expressions
    if not 1 <= len(given) <= 2:
        raise unexpected("MODEL")
    entry = _usable(account, session, given[0])
    return entry, store.resolve(entry, _parts(given[1])[0] if len(given) == 2 else None)


def _usable(account: Account, session: Session, name: exp.Expr) -> Entry:
    """Return the model, on which the role needs USAGE. Source: "Model Registry privileges"."""
    path = session.resolve(_parts(name))
    account.require(session, "USAGE", store.KIND, path)
    return store.get(account, path)


def _parts(node: exp.Expr) -> tuple[str, ...]:
    """Return the parts of a name, however it was read."""
    if isinstance(node, exp.Literal):
        return (str(node.this),)
    found = node.find_all(exp.Identifier, bfs=False)
    return tuple(map(stored, found))


def _call(account: Account, session: Session, call: exp.Expr) -> None:
    folder, method = _method(account, session, call)
    if method.is_table:
        raise unsupported(f"calling the table function {method.name} as a scalar.")
    call.replace(_engine_call(account, session, folder, method, call.expression.expressions))


def _engine_call(
    account: Account, session: Session, folder: FilePath, method: Method, given: list[exp.Expr]
) -> exp.Expr:
    name = _registered(account, session, folder, method)
    kinds = [_engine_type(kind) for _, kind in method.inputs]
    values = [exp.cast(value.copy(), kind) for value, kind in zip(given, kinds, strict=True)]
    return exp.ParseJSON(this=exp.Anonymous(this=name, expressions=values))


def _engine_type(kind: str) -> str:
    found = _TYPES.get(kind.split("(", maxsplit=1)[0].strip().upper())
    if found is None:
        raise unsupported(f"inputs of type {kind} of a model's method.")
    return found


def _registered(account: Account, session: Session, folder: FilePath, method: Method) -> str:
    """Return the engine's function for a method, made at its first call in the session."""
    connection = session.connection
    known = session.facts.setdefault(_FACT, {})
    key = (str(folder), method.name, connection.rollbacks)
    if key in known:
        return str(known[key])
    name = f"_model_{session.id}_{len(known)}"
    names = [f"c{index}" for index in range(len(method.inputs))]

    # Any, since the engine evaluates annotations, and Arrow is imported only here.
    def run(*columns: Any) -> Any:
        import pyarrow as pa

        table = pa.table(dict(zip(names, columns, strict=True)))
        try:
            found = account.part(Runner).call(folder, method.handler, table, connection.watch)
            return pa.array(found, pa.string())
        except SnowflakeError as error:
            connection.raised = error
            raise

    # The engine counts the parameters of the signature.
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    run.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
    connection.create_function(
        name,
        run,
        [_engine_type(kind) for _, kind in method.inputs],
        "VARCHAR",
        type="arrow",
        null_handling="special",
    )
    known[key] = name
    return name


def _table_call(account: Account, session: Session, call: exp.Expr) -> None:
    """Put ``TABLE(MODEL(..)!F(a) [OVER (PARTITION BY b)])`` in its place.

    Without OVER the handler gets the rows in any batches, with it one partition at a time.
    """
    folder, method = _method(account, session, call)
    node = call.parent
    if not isinstance(node, exp.TableFromRows):  # pragma: no cover - who calls this has looked
        raise unexpected(method.name)
    window = call.expression if isinstance(call.expression, exp.Window) else None
    function = window.this if window is not None else call.expression
    arguments = [kinds.read(Reader(kind)) for _, kind in method.inputs]
    outputs = tuple((name, kinds.read(Reader(kind))) for name, kind in method.outputs)
    given = zip(function.expressions, arguments, strict=True)
    texts = [calls.as_text(value, kind) for value, kind in given]
    asked = {
        "do": "model_table",
        "folder": str(folder),
        "handler": method.handler,
        "arguments": arguments,
        "outputs": [kind for _, kind in outputs],
    }
    workers = account.part(Workers)

    def answer(rows: list[tuple[str | None, ...]]) -> list[str | None]:
        groups = [json.loads(row[0]) if row[0] is not None else [] for row in rows]
        with workers.kept(MODELS) as worker:
            data = worker.ask(asked, json.dumps(groups).encode(), session.connection.watch)
        found: list[str | None] = json.loads(data)
        return found

    made = Made(key=f"model_table {folder} {method.name}", parameters=1, answer=answer)
    name = registered(session, made, volatile=True)
    put_in_place(node, Table(function=name, texts=texts, outputs=outputs, window=window))
