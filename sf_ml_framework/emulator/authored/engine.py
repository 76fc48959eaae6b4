"""Functions of the engine that hand rows to a process."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..faults import SnowflakeError
from . import calls, imports

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session
    from .routine import Routine

_FACT = "engine functions"

Answer = Callable[[list[tuple[str | None, ...]]], list[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A function of *parameters* texts; *answer* gives one text for each row of them."""

    key: str
    parameters: int
    answer: Answer


def request(account: Account, session: Session, routine: Routine, do: str) -> dict[str, Any]:
    """Return what a process is asked for a routine; ``key`` tells one state of it from others."""
    folder, key = imports.laid_out(account, session, routine)
    return {
        "do": do,
        "key": key,
        "name": routine.path.name,
        "handler": routine.handler,
        "code": routine.body,
        "folder": str(folder),
        "arguments": [argument.kind for argument in routine.arguments],
        "returns": routine.returns,
        "outputs": [column.kind for column in routine.columns or ()],
        "strict": routine.strict,
    }


def registered(session: Session, made: Made, *, volatile: bool) -> str:
    """Return the name of the engine's function, which is made at its first call in the session."""
    calls.prepare(session)
    known = session.facts.setdefault(_FACT, {})
    connection = session.connection
    key = (made.key, connection.rollbacks)
    if key in known:
        return str(known[key])
    # The engine has one name space for the functions of all sessions.
    name = f"_authored_{session.id}_{len(known)}"
    names = [f"c{index}" for index in range(made.parameters)]

    # Any, since the engine evaluates annotations, and Arrow is imported only here.
    def run(*columns: Any) -> Any:
        import pyarrow as pa

        try:
            rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
            return pa.array(made.answer(rows) if rows else [], pa.string())
        except SnowflakeError as error:
            connection.raised = error
            raise

    # The engine counts the parameters of the signature.
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    run.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
    connection.create_function(
        name,
        run,
        ["VARCHAR"] * made.parameters,
        "VARCHAR",
        type="arrow",
        null_handling="special",
        side_effects=volatile,
    )
    known[key] = name
    return name


def packed(texts: list[exp.Expr], order: exp.Order | None = None) -> exp.Expr:
    """Return SQL for the list of a group's rows, each a JSON array of texts."""
    row: exp.Expr = exp.Anonymous(this="json_array", expressions=texts)
    if order is not None:
        row = exp.Order(this=row, expressions=[one.copy() for one in order.expressions])
    return exp.Anonymous(this="list", expressions=[row])
