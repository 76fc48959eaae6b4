"""Queries: run in threads, waited for, cancelled, and kept with their results.

Source: connector 4.8, ``cursor.execute_async``, ``network._post_request`` (the ping-pong on
333333), ``connection._cancel_query``; Snowflake, "RESULT_SCAN".
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from .faults import INTERNAL, SnowflakeError, cancelled, internal, timed_out
from .record import redacted
from .results import ResultSet

if TYPE_CHECKING:
    from .account import Account
    from .session import Session

logger = logging.getLogger(__name__)
KEPT = 5_000
"""How many finished queries keep their results."""
CURRENT: ContextVar[Query | None] = ContextVar("query", default=None)
"""The query that runs in this thread."""


def new_query_id() -> str:
    """Return a new query id."""
    return "01" + str(uuid.uuid4())[2:]


@dataclass(slots=True, kw_only=True)
class Query:
    """One statement's run. ``finished`` is set when result or error is there."""

    id: str = field(default_factory=new_query_id)
    session: Session
    text: str
    role: str
    warehouse: str | None
    database: str | None
    schema: str | None
    started: datetime
    ended: datetime | None = None
    request_id: str = ""
    tag: str | None = None
    computed: bool = False
    """Whether it read or changed rows, which a warehouse is needed and charged for."""
    result: ResultSet | None = None
    error: SnowflakeError | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    timed_out: bool = False
    finished: threading.Event = field(default_factory=threading.Event)
    on_cancel: list[Callable[[], None]] = field(default_factory=list)
    """What a room wants called when the query is cancelled, such as killing a job."""

    @property
    def status(self) -> str:
        """The state as ``/monitoring/queries`` spells it."""
        if not self.finished.is_set():
            return "RUNNING"
        if self.error is None:
            return "SUCCESS"
        return "ABORTED" if self.error.number == 604 else "FAILED_WITH_ERROR"


class Queries:
    """All queries of the account, newest last."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._pool = ThreadPoolExecutor(max_workers=256, thread_name_prefix="query")
        self._lock = threading.Lock()
        self._all: OrderedDict[str, Query] = OrderedDict()
        self._requests: dict[str, str] = {}
        self.on_end: list[Callable[[Query], None]] = []
        """Called with each query that has ended."""

    def submit(
        self,
        session: Session,
        text: str,
        work: Callable[[Query], ResultSet],
        *,
        request_id: str = "",
    ) -> Query:
        """Start *work* in a thread as a query of *session* and return at once.

        A request that comes twice (the client's retry) runs once.
        """
        with self._lock:
            known = self._requests.get(request_id) if request_id else None
            if known is not None and known in self._all:
                return self._all[known]
            query = self._new(session, text, request_id)
        self._pool.submit(self._run, query, work)
        return query

    def inline(self, session: Session, text: str, work: Callable[[Query], ResultSet]) -> Query:
        """Run *work* here as a query of its own, for statements inside others."""
        with self._lock:
            query = self._new(session, text, "")
        outer = CURRENT.get()
        if outer is not None:
            query.cancel = outer.cancel
        self._run(query, work, limited=outer is None)
        return query

    def _new(self, session: Session, text: str, request_id: str) -> Query:
        query = Query(
            session=session,
            text=redacted(text),
            request_id=request_id,
            role=session.role,
            warehouse=session.warehouse,
            database=session.database,
            schema=session.schema,
            started=self._account.clock.now(),
            tag=session.parameters.get("QUERY_TAG"),
        )
        self._all[query.id] = query
        if request_id:
            self._requests[request_id] = query.id
        while len(self._all) > KEPT:
            _, old = self._all.popitem(last=False)
            self._requests.pop(old.request_id, None)
        return query

    def _run(
        self, query: Query, work: Callable[[Query], ResultSet], *, limited: bool = True
    ) -> None:
        token = CURRENT.set(query)
        timer = self._limit(query) if limited else None
        try:
            if query.cancel.is_set():
                raise cancelled()  # noqa: TRY301
            query.result = work(query)
        except SnowflakeError as error:
            query.error = self._ended(query) or error
            if error.number == INTERNAL and query.error is error:
                self._account.record.add("fault", sql=query.text, error=str(error), query=query.id)
        except Exception as error:
            # A fault of ours must not look like a network problem, which clients retry.
            logger.exception("fault in %s", query.text)
            self._account.record.add("fault", sql=query.text, error=repr(error), query=query.id)
            query.error = self._ended(query) or internal(query.id)
        finally:
            if timer is not None:
                timer.cancel()
            CURRENT.reset(token)
            query.ended = self._account.clock.now()
            self._account.record.add(
                "statement",
                sql=query.text,
                query=query.id,
                session=query.session.id,
                error=str(query.error) if query.error else None,
            )
            query.finished.set()
            for call in self.on_end:
                call(query)

    def _limit(self, query: Query) -> threading.Timer | None:
        """Stop the query when its session's STATEMENT_TIMEOUT_IN_SECONDS has passed, really."""
        seconds = query.session.parameters.get("STATEMENT_TIMEOUT_IN_SECONDS")
        if not seconds:
            return None
        timer = threading.Timer(float(seconds), self._time_out, (query,))
        timer.daemon = True
        timer.start()
        return timer

    def _time_out(self, query: Query) -> None:
        query.timed_out = True
        self.stop(query)

    def _ended(self, query: Query) -> SnowflakeError | None:
        """Return what the client is told of a query that was stopped; None when it was not."""
        if query.timed_out:
            return timed_out(query.session.parameters["STATEMENT_TIMEOUT_IN_SECONDS"])
        return cancelled() if query.cancel.is_set() else None

    def find(self, query_id: str) -> Query | None:
        """Return the query, or None."""
        with self._lock:
            return self._all.get(query_id)

    def by_request(self, request_id: str) -> Query | None:
        """Return the query that a request started, or None."""
        with self._lock:
            return self._all.get(self._requests.get(request_id, ""))

    def all(self) -> list[Query]:
        """Return the queries that are kept, oldest first."""
        with self._lock:
            return list(self._all.values())

    def stop(self, query: Query) -> None:
        """Cancel the query; its statement ends with 000604."""
        if query.finished.is_set():
            return
        query.cancel.set()
        for call in list(query.on_cancel):
            call()
        query.session.connection.interrupt()

    def close(self) -> None:
        """Cancel what runs and take no more."""
        for query in self.all():
            self.stop(query)
        self._pool.shutdown(wait=False, cancel_futures=True)
