"""The one connection to an account that all rooms of this place share."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sf_ml_framework import connection as connections
from sf_ml_framework.connection import ConnectionSettings
from sf_ml_framework.errors import DataError, FrameworkError, OperatorError, to_install
from sf_ml_framework.places.snowflake import errors, transfer
from sf_ml_framework.places.snowflake.patience import pauses, retries_for

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection
    from snowflake.snowpark import Session

logger = logging.getLogger(__name__)

LOGIN_SECONDS = 60
"""How long signing in may take, all tries together."""
SOCKET_SECONDS = 60
"""How long one answer may take. Snowflake answers a long statement every 45 seconds."""
PATIENCE_SECONDS = 60
"""How long a request is repeated while nobody answers it; ``network_timeout`` says it otherwise."""
IDLE_SECONDS = 3 * 3600
"""After so long without a statement the session is opened anew; Snowflake ends it after 4 hours."""

_PLACES = ("database", "schema", "warehouse", "role")
_T = TypeVar("_T")
_READS = re.compile(r"\s*(?:select|show|desc|describe|list|ls|explain)\b", re.IGNORECASE)
_BEGINS = re.compile(
    r"\s*(?:begin(?:\s+(?:work|transaction))?(?:\s+name\s+\S+)?|start\s+transaction.*)\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = re.compile(r"\s*(?:commit|rollback)\b", re.IGNORECASE)


class Account:
    """An account as one role sees it; opened at the first statement, closed by whoever made it.

    A statement is sent again only where that is safe: when the server turned it away before it did
    anything, or when it only reads. Inside a transaction nothing is. When the session is over (the
    token has expired, or it was idle for hours) a new one is opened, with the file of the token
    read anew, and the statement is run there; objects of Snowpark or Ibis that were handed out
    before are of the old session, so ask for them again. Temporary tables end with their session.

    Args:
        settings: where the account is and how to sign in.
        database: the session's; the settings' when empty. So are the three after it.
        schema: see *database*.
        warehouse: see *database*.
        role: see *database*.
        query_tag: marks every statement in the account's query history.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        *,
        database: str = "",
        schema: str = "",
        warehouse: str = "",
        role: str = "",
        query_tag: str = "",
    ) -> None:
        self.settings = settings
        place = {"database": database, "schema": schema, "warehouse": warehouse, "role": role}
        self._place = {key: text for key, text in place.items() if text}
        self._query_tag = query_tag
        self._connection: SnowflakeConnection | None = None
        self._session: Session | None = None
        self._ibis: Any = None
        self._in_transaction = False
        self._used = 0.0
        self._hidden: tuple[str, ...] = ()
        # Threads share the connection, and none opens a second one.
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"Account({self.settings.account!r} at {self.settings.address})"

    @property
    def connection(self) -> SnowflakeConnection:
        """The connector's connection, opened at first use.

        Raises:
            OperatorError: we are not let in.
            PlatformError: nobody answers.
        """
        with self._lock:
            idle = time.monotonic() - self._used
            if self._connection is not None and idle > IDLE_SECONDS and not self._in_transaction:
                self._drop()
            if self._connection is None:
                self._connection = self._opened()
            self._used = time.monotonic()
            return self._connection

    @property
    def session(self) -> Session:
        """A Snowpark session on the same connection."""
        connection = self.connection
        if self._session is None:
            from snowflake.snowpark import Session

            with self.translating():
                self._session = Session.builder.configs({"connection": connection}).create()
        return self._session

    @property
    def role(self) -> str:
        """The role that acts, as the server tells it; the wanted one before it is connected."""
        current = self._connection.role if self._connection is not None else None
        return str(current or self._place.get("role") or self.settings.get("role") or "")

    def with_other_roles(self) -> None:
        """Let all roles of the user see, where no policy forbids it; what is made is the first's.

        Source: Snowflake, "USE SECONDARY ROLES".
        """
        with suppress(OperatorError):
            self.execute("USE SECONDARY ROLES ALL")

    def ibis(self) -> Any:
        """Return an Ibis backend on the same connection; it makes no objects in the account."""
        connection = self.connection
        if self._ibis is None:
            import ibis

            with self.translating():
                self._ibis = ibis.snowflake.from_connection(connection, create_object_udfs=False)
        return self._ibis

    def rows(self, sql: str, binds: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one statement with ``?`` for each of *binds* and return its rows, keys lower-case.

        Raises:
            OperatorError: it was refused; nothing of it was done.
            DataError: a value does not fit.
            PlatformError: the connection broke, or the server failed.
        """

        def fetched(cursor: Any) -> list[dict[str, Any]]:
            names = [column.name.lower() for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        return self._run(sql, binds, fetched)

    def execute(self, sql: str, binds: Sequence[Any] = ()) -> str:
        """Run one statement with ``?`` for each of *binds* and return the query's id.

        Raises:
            OperatorError: it was refused; nothing of it was done.
            DataError: a value does not fit.
            PlatformError: the connection broke, or the server failed; whether it was done is not
                known.
        """
        return self._run(sql, binds, lambda cursor: str(cursor.sfqid))

    @contextmanager
    def hiding(self, *values: str) -> Iterator[None]:
        """Show *values* to nobody while statements hold them: not in an error, not in a log.

        Other threads' statements are not logged either for as long.
        """
        clients = logging.getLogger("snowflake")
        level, before = clients.level, self._hidden
        clients.setLevel(logging.WARNING)
        self._hidden = tuple(sorted({*before, *filter(None, values)}, key=len, reverse=True))
        try:
            yield
        finally:
            clients.setLevel(level)
            self._hidden = before

    def upload(self, file: Path, stage_path: str) -> None:
        """Put *file* onto a stage, as it is, over what is there.

        Args:
            file: a file of this machine.
            stage_path: ``@db.schema.stage/folder/name``; one that ends with ``/`` is a folder, and
                the file keeps its name.

        Raises:
            DataError: there is no such file.
        """
        with transfer.named_for(file, stage_path) as (local, folder):
            self.rows(transfer.put(local, folder))

    def download(self, stage_path: str, folder: Path) -> Path:
        """Get one file of a stage into *folder* and return it.

        Raises:
            DataError: there is none at *stage_path*.
        """
        folder.mkdir(parents=True, exist_ok=True)
        fetched = folder / stage_path.rpartition("/")[2]
        try:
            rows = self.rows(transfer.get(stage_path, folder))
        except errors.AbsentError as error:
            # The stage itself is another matter.
            if error.number != transfer.NO_SUCH_FILE:
                raise
            rows = []
        if not rows or not fetched.is_file():
            raise DataError(
                f"there is no file {stage_path}", remedy="list what is there: LIST of that stage"
            )
        return fetched

    @contextmanager
    def translating(self, what: str = "") -> Iterator[None]:
        """Turn what Snowflake's clients raise inside into errors of ours.

        For rooms that call Snowpark or the ML library, which send statements themselves.

        Args:
            what: a statement, or words for what is done, for the message.
        """
        try:
            yield
        except FrameworkError:
            raise
        except Exception as error:
            if not _is_of_client(error):
                raise
            raise self._translated(error, what or "a statement of Snowflake's library") from None

    def close(self) -> None:
        """End the session; may be called again, and never fails."""
        self._drop()

    def _opened(self) -> SnowflakeConnection:
        try:
            from snowflake.connector import connect
        except ModuleNotFoundError:
            raise OperatorError(
                "Snowflake's clients are not installed", remedy=to_install("snowflake")
            ) from None
        for pause in pauses(float(self.settings.get("login_timeout") or LOGIN_SECONDS)):
            # Anew for each try: the file of a token may have been written again.
            arguments = self._arguments()
            try:
                return connect(**arguments)
            except Exception as error:
                if not _is_of_client(error) and not isinstance(
                    error, OSError | ValueError | TypeError
                ):
                    raise
                ours = self._translated(error, "")
                if pause is None or not isinstance(ours, errors.ConnectionLostError):
                    # Without the cause: its frames hold what we sign in with.
                    raise ours from None
                logger.info("trying to connect again in %.1f s: %s", pause, ours)
                time.sleep(pause)
        raise AssertionError("unreachable")  # pragma: no cover - the last pause is none

    def _arguments(self) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "TIMEZONE": "UTC",
            # Nothing is sent that nobody asked for, and closing a dead connection takes no time.
            "CLIENT_TELEMETRY_ENABLED": False,
            # What a process that died has begun must not end after its successor's work.
            "ABORT_DETACHED_QUERY": True,
        }
        if self._query_tag:
            parameters["QUERY_TAG"] = self._query_tag
        given = connections.arguments(self.settings)
        # Not handed over: the connector also cancels statements that take longer than it.
        patience = given.pop("network_timeout", PATIENCE_SECONDS)
        return {
            "login_timeout": LOGIN_SECONDS,
            "socket_timeout": SOCKET_SECONDS,
            "backoff_policy": retries_for(patience),
            # Asking clouds' metadata servers who we are costs a second on a laptop, for nothing.
            "platform_detection_timeout_seconds": 0.0,
            **given,
            **self._place,
            "paramstyle": "qmark",
            "application": "sf_ml_framework",
            "session_parameters": parameters,
        }

    def _run(self, sql: str, binds: Sequence[Any], take: Callable[[Any], _T]) -> _T:
        signed_in_again = False
        for pause in pauses(PATIENCE_SECONDS):
            connection = self.connection
            try:
                with connection.cursor() as cursor:
                    # One: else a text from outside could end the statement and begin another.
                    cursor.execute(sql, tuple(binds) or None, num_statements=1)
                    taken = take(cursor)
            except Exception as error:
                if not _is_of_client(error) and not isinstance(error, OSError):
                    raise
                number, ours = errors.number_of(error), self._translated(error, sql)
                repeats = self._may_repeat(sql, number, ours)
                if number in errors.SIGN_IN_AGAIN or isinstance(ours, errors.ConnectionLostError):
                    self._drop(cut=True)
                if number in errors.SIGN_IN_AGAIN and repeats and not signed_in_again:
                    signed_in_again = True
                    logger.info("the session is over; signing in again")
                    continue
                if pause is None or not repeats or number in errors.SIGN_IN_AGAIN:
                    raise ours from None
                logger.info("running it again in %.1f s: %s", pause, ours)
                time.sleep(pause)
            else:
                self._note(sql)
                return taken
        raise AssertionError("unreachable")  # pragma: no cover - the last pause is none

    def _may_repeat(self, sql: str, number: int, error: FrameworkError) -> bool:
        """Return whether running *sql* again can do no harm, and may help.

        A lost connection is not among these: the connector has repeated the request for a minute.
        """
        if self._in_transaction:
            return False
        if number in errors.NOT_RUN or number in errors.SIGN_IN_AGAIN:
            return True
        return isinstance(error, errors.ServerFaultError) and bool(_READS.match(sql))

    def _note(self, sql: str) -> None:
        if _BEGINS.fullmatch(sql):
            self._in_transaction = True
        elif _ENDS.match(sql):
            self._in_transaction = False

    def _drop(self, *, cut: bool = False) -> None:
        """Forget the connection; one that was *cut* is not told."""
        opened, session = self._connection, self._session
        self._connection, self._session, self._ibis = None, None, None
        self._in_transaction = False
        if opened is None:
            return
        # Where USE ROLE, USE WAREHOUSE and the like have led, the next session begins.
        self._place |= {key: now for key in _PLACES if (now := getattr(opened, key, None))}
        with suppress(Exception):
            if cut and opened.rest is not None:
                opened.rest.update_tokens(None, None)
            opened.close(retry=False)
        with suppress(Exception):
            if session is not None:
                session.close()  # after its connection, so that it sends nothing any more

    def _translated(self, error: BaseException, sql: str) -> FrameworkError:
        ours = errors.translated(error, sql=sql, role=self.role)
        ours.args = tuple(self._masked(str(each)) for each in ours.args)
        ours.remedy = self._masked(ours.remedy)
        return ours

    def _masked(self, text: str) -> str:
        text = self.settings.masked(text)
        for value in self._hidden:
            text = text.replace(value, "***")
        return text


def _is_of_client(error: BaseException) -> bool:
    """Return whether a client of Snowflake raised *error*, or something that it wraps."""
    if type(error).__module__.startswith("snowflake."):
        return True
    return error.__cause__ is not None and _is_of_client(error.__cause__)
