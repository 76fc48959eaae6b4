"""The emulated account: everything that a server holds, and what rooms register on.

See the package's docstring for how to add a room.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeVar

from .access.grants import Grants
from .access.needs import Need, Needs
from .access.rights import Rights
from .catalog import Catalog
from .clock import Clock, Loops
from .engine import Engine
from .locks import TableLocks
from .names import Path
from .queries import Queries
from .record import Record
from .registry import (
    DescribeProvider,
    Guard,
    Handler,
    Registry,
    Rewrite,
    Route,
    Shown,
    ShowProvider,
    TableFunction,
    View,
)
from .results import Column, ResultSet
from .session import Session
from .stages import Stages
from .tokens import Tokens

if TYPE_CHECKING:
    from sqlglot import exp

    from .registry import Call, Row

Part = TypeVar("Part")


class Account:
    """One account; ``name``, ``clock``, ``catalog``, ``engine`` and the rest are for rooms to use.

    Args:
        name: the account's name.
        files: a directory for stage files and, when *durable*, for everything.
        durable: whether what is committed must survive the process.
        record: a file for the record, one JSON line for each event.
    """

    def __init__(
        self, *, name: str, files: FilePath, durable: bool, record: FilePath | None = None
    ) -> None:
        from . import rooms, seed
        from .router import Router

        # sqlglot warns of every statement that it leaves to us.
        logging.getLogger("sqlglot").setLevel(logging.ERROR)
        self.name = name
        self.address = ""
        self.files = files
        self.durable = durable
        self.clock = Clock()
        self.loops = Loops(self.clock)
        self.record = Record(self.clock, record)
        for part in ("databases", "stages", "services"):
            (files / part).mkdir(parents=True, exist_ok=True)
        self.catalog = Catalog(files / "catalog.sqlite" if durable else None)
        self.engine = Engine(files / "databases" if durable else None, files)
        self.access = Rights(self)
        self.grants = Grants(self)
        self.needed = Needs(self)
        self.locks = TableLocks()
        self.registry = Registry()
        self.observers: list[Callable[[Session, exp.Expr, ResultSet], None]] = []
        self.parts: dict[type, Any] = {}
        """What a room offers to other rooms, by its class; see :meth:`part`."""
        self.sessions: dict[int, Session] = {}
        self.tokens = Tokens(self)
        self.stages = Stages(self)
        self.queries = Queries(self)
        self.router = Router(self)
        self._next_session = 1
        self._lock = threading.Lock()
        self._closing: list[Callable[[], None]] = []
        seed.databases(self)
        for room in rooms.load():
            room.install(self)
        seed.fresh(self)

    # What rooms register. See the package's docstring.

    def statement(self, pattern: str, handler: Handler, *, reads: bool = False) -> None:
        """Register a statement handler."""
        self.registry.add_statement(pattern, handler, reads=reads)

    def show(
        self,
        kind: str,
        columns: Sequence[Column | str],
        provide: ShowProvider,
        *,
        terse: Sequence[str] = (),
    ) -> None:
        """Register ``SHOW kind`` (the plural, such as ``TASKS``)."""
        self.registry.shows[kind.upper()] = Shown(tuple(columns), provide, tuple(terse))

    def describe(
        self, kind: str, columns: Sequence[Column | str], provide: DescribeProvider
    ) -> None:
        """Register ``DESCRIBE kind name``."""
        self.registry.describes[kind.upper()] = Shown(tuple(columns), provide)

    def function(self, name: str, call: Callable[..., Any]) -> None:
        """Register a scalar function over constants; ``call(session, *values)``."""
        self.registry.functions[name.upper()] = call

    def table_function(self, name: str, call: TableFunction) -> None:
        """Register ``TABLE(name(...))``; a schema before the name is ignored."""
        self.registry.table_functions[name.upper()] = call

    def view(self, name: str, call: View) -> None:
        """Register a read-only view, ``DB.SCHEMA.NAME`` with ``*`` for any database."""
        self.registry.views[name.upper()] = call

    def rewrite(self, change: Rewrite) -> None:
        """Register a rewrite of parsed statements; they run in the order of registration."""
        self.registry.rewrites.append(change)

    def guard(self, check: Guard) -> None:
        """Register a check before every statement."""
        self.registry.guards.append(check)

    def needs(
        self,
        statement: str,
        *,
        privilege: str,
        on: str,
        then: str = "",
        uses: str = "",
        named: str = "",
        kind: str = "",
        source: str = "",
    ) -> None:
        """Say what a statement needs; see the docstring of :mod:`.access`."""
        self.needed.add(
            Need(
                statement=statement.upper(),
                privilege=privilege.upper(),
                on=on.upper(),
                then=then.upper(),
                uses=uses.upper(),
                named=named.upper(),
                kind=kind.upper(),
                source=source,
            )
        )

    def require(self, session: Session, privilege: str, kind: str, path: Path) -> None:
        """Refuse unless *session* has ``privilege`` (or ``A|B``) on an object, as REST routes ask.

        Raises:
            SnowflakeError: 003001 or 002003, as Snowflake does.
        """
        self.access.require(session, privilege, kind, path)

    def observe(self, after: Callable[[Session, exp.Expr, ResultSet], None]) -> None:
        """Register what must follow every statement that the engine ran."""
        self.observers.append(after)

    def route(self, method: str, path: str, call: Route) -> None:
        """Register a REST route; ``{name}`` in *path* is one part, ``{name}:verb`` is allowed.

        ``{name+}`` may hold slashes. Of two routes that fit, the first registered answers.
        """
        self.registry.routes.append((method.upper(), path, call))

    def every(self, seconds: float, work: Callable[[], None]) -> None:
        """Run *work* in a thread each time *seconds* of the clock have passed."""
        self.loops.every(seconds, work)

    def on_close(self, call: Callable[[], None]) -> None:
        """Call *call* when the server ends, such as to end child processes."""
        self._closing.append(call)

    # What rooms use.

    def part(self, kind: type[Part]) -> Part:
        """Return what a room put into ``account.parts[kind]``, such as the running services."""
        found = self.parts[kind]
        if not isinstance(found, kind):  # pragma: no cover - each class keys itself
            raise TypeError(f"{found!r} is no {kind.__name__}")
        return found

    def open_session(self, *, user: str, role: str) -> Session:
        """Open a session without asking who it is."""
        with self._lock:
            number = self._next_session
            self._next_session += 1
        session = Session(id=number, user=user, role=role, connection=self.engine.connect())
        self.sessions[number] = session
        return session

    def internal_session(
        self,
        *,
        role: str,
        user: str = "SYSTEM",
        database: str | None = None,
        schema: str | None = None,
        warehouse: str | None = None,
    ) -> Session:
        """Open a session for the account's own work, such as a task; close it when done.

        It names its role, which acts alone: nothing runs as ACCOUNTADMIN by accident.
        """
        session = self.open_session(user=user, role=role)
        session.secondary_roles = "NONE"
        session.warehouse = warehouse
        session.connection.use(database, schema)
        return session

    def run(self, session: Session, sql: str) -> ResultSet:
        """Run one statement (or flow) as *session*'s client would, as a query of its own.

        Raises:
            SnowflakeError: the statement was refused.
        """
        query = self.queries.inline(session, sql, lambda _: self.router.run(session, sql))
        if query.error is not None:
            raise query.error
        if query.result is None:  # pragma: no cover - one of both is always there
            raise RuntimeError(f"query {query.id} ended with neither result nor error")
        session.query_ids.append(query.id)
        return query.result

    def close_session(self, session: Session) -> None:
        """End the session: roll back, drop its temporary objects."""
        if session.borrowed:
            return  # who lent it closes it
        if self.sessions.pop(session.id, None) is None:
            return
        session.closed.set()
        session.connection.close()
        self.locks.release(session.id)
        self.stages.forget(session)

    def close(self) -> None:
        """End everything."""
        self.queries.close()
        self.loops.close()
        for call in self._closing:
            call()
        for session in list(self.sessions.values()):
            self.close_session(session)
        self.engine.close()
        self.catalog.close()
        self.record.close()


__all__ = ["Account", "Call", "Row"]
