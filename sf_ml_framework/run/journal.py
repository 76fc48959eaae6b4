"""The journal of a project on this machine: a SQLite file with what ran, why and how.

Each row holds the whole record as JSON, and beside it, as plain columns, what a person asks for::

    sqlite3 .mlops/journal.db "select node, status, seconds from node_runs order by started"
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec

from sf_ml_framework.errors import OperatorError, UnknownNameError
from sf_ml_framework.run.records import NodeRun, RunRecord

FILE = Path(".mlops") / "journal.db"
"""Where the journal stands in a project."""

LAST = "last"
"""Stands for the newest run."""

BUSY_SECONDS = 10
"""How long to wait for another process that writes."""

_MIGRATIONS = (
    """
    CREATE TABLE runs (
        run_id TEXT PRIMARY KEY,
        project TEXT NOT NULL,
        status TEXT NOT NULL,
        started TEXT NOT NULL,
        seconds REAL NOT NULL,
        command TEXT NOT NULL,
        git_commit TEXT NOT NULL,
        git_dirty INTEGER NOT NULL,
        record TEXT NOT NULL
    );
    CREATE INDEX runs_by_start ON runs (started);
    CREATE TABLE node_runs (
        sequence INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL,
        node TEXT NOT NULL,
        status TEXT NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        started TEXT NOT NULL,
        seconds REAL NOT NULL,
        rows INTEGER,
        bytes INTEGER NOT NULL,
        peak_memory_bytes INTEGER NOT NULL,
        key TEXT NOT NULL,
        error TEXT NOT NULL,
        record TEXT NOT NULL,
        UNIQUE (run_id, node)
    );
    CREATE INDEX node_runs_by_key ON node_runs (node, status, key);
    CREATE VIEW metrics AS
        SELECT node_runs.run_id, node_runs.node, each.key AS metric, each.value
        FROM node_runs, json_each(node_runs.record, '$.metrics') AS each;
    """,
)
"""One script for each version of the schema, in order; never change one that was released."""

_RUN = """
    INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (run_id) DO UPDATE SET
        project = excluded.project, status = excluded.status, started = excluded.started,
        seconds = excluded.seconds, command = excluded.command, git_commit = excluded.git_commit,
        git_dirty = excluded.git_dirty, record = excluded.record
"""
_NODE_RUN = """
    INSERT INTO node_runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (run_id, node) DO UPDATE SET
        status = excluded.status, reason = excluded.reason, detail = excluded.detail,
        attempt = excluded.attempt, started = excluded.started, seconds = excluded.seconds,
        rows = excluded.rows, bytes = excluded.bytes,
        peak_memory_bytes = excluded.peak_memory_bytes, key = excluded.key,
        error = excluded.error, record = excluded.record
"""

_ENCODER = msgspec.json.Encoder()
_RUN_DECODER = msgspec.json.Decoder(RunRecord)
_NODE_RUN_DECODER = msgspec.json.Decoder(NodeRun)

_UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")
_Record = TypeVar("_Record", RunRecord, NodeRun)
_KILLED = "the process that ran it was killed"


class SqliteJournal:
    """Implements the Journal port in one file; readers do not wait for the run that writes.

    Every method raises OperatorError when the file cannot be read or written. Reading never
    makes the file: a project that never ran has an empty journal.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._open: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file; what is asked afterwards opens it anew."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def start_run(self, run: RunRecord) -> None:
        """Record that *run* began."""
        with self._writing() as connection:
            _put_run(connection, run)

    def finish_run(self, run: RunRecord) -> None:
        """Replace the record of *run* by its final one."""
        self.start_run(run)

    def record_node(self, node_run: NodeRun) -> None:
        """Record a node of a run; a later record of the same run and node replaces it."""
        with self._writing() as connection:
            _put_node(connection, node_run)

    def cancel_dead(self) -> Sequence[str]:
        """Mark as cancelled each run and node that is still ``running``; return the runs' ids."""
        if not self.file.exists():
            return ()
        with self._writing() as connection, _transaction(connection):
            return _cancel_running(connection)

    def last_success(self, node: str) -> NodeRun | None:
        """Return the newest record of *node* that succeeded (not one that was skipped)."""
        found = self._records(
            "SELECT record FROM node_runs WHERE node = ? AND status = 'succeeded'"
            " ORDER BY sequence DESC LIMIT 1",
            (node,),
            _node_run,
        )
        return found[0] if found else None

    def find_success(self, node: str, key_digest: str) -> NodeRun | None:
        """Return the newest success of *node* whose key has that digest."""
        found = self._records(
            "SELECT record FROM node_runs WHERE node = ? AND status = 'succeeded' AND key = ?"
            " ORDER BY sequence DESC LIMIT 1",
            (node, key_digest),
            _node_run,
        )
        return found[0] if found else None

    def runs(self, *, limit: int = 20, status: str = "") -> Sequence[RunRecord]:
        """Return runs, newest first; a *limit* below zero is none."""
        return self._records(
            "SELECT record FROM runs WHERE ? IN ('', status)"
            " ORDER BY started DESC, rowid DESC LIMIT ?",
            (status, limit),
            _run,
        )

    def run(self, run_id: str) -> RunRecord:
        """Return the run whose id is, or uniquely begins with, *run_id*; ``last`` is the newest.

        Raises:
            UnknownNameError: there is none, or more than one; names the nearest.
        """
        if run_id == LAST and (newest := self.runs(limit=1)):
            return newest[0]
        matches = self._records(
            "SELECT record FROM runs WHERE substr(run_id, 1, ?) = ? ORDER BY run_id = ? DESC",
            (len(run_id) or 1, run_id, run_id),
            _run,
        )
        if len(matches) == 1 or (matches and matches[0].run_id == run_id):
            return matches[0]
        known = matches or self.runs(limit=100)
        raise UnknownNameError(kind="run", name=run_id, known=[each.run_id for each in known])

    def node_runs(self, run_id: str) -> Sequence[NodeRun]:
        """Return the nodes of a run (exact id) in the order in which they began."""
        return self._records(
            "SELECT record FROM node_runs WHERE run_id = ? ORDER BY sequence", (run_id,), _node_run
        )

    def durations(self, most: int = 50) -> Mapping[str, list[float]]:
        """Return for each node the seconds of its last successes, *most* at most."""
        if self._open is None and not self.file.exists():
            return {}
        found: dict[str, list[float]] = {}
        with self._explained():
            rows = self._connection(reading=True).execute(
                "SELECT node, seconds FROM (SELECT node, seconds, ROW_NUMBER() OVER"
                " (PARTITION BY node ORDER BY sequence DESC) AS place FROM node_runs"
                " WHERE status = 'succeeded') WHERE place <= ?",
                (most,),
            )
            for node, seconds in rows:
                found.setdefault(node, []).append(float(seconds))
        return found

    def move_aside(self) -> Path | None:
        """Rename the file, damaged or not, so that the next run begins a new one.

        Returns:
            Where it stands now; none when there was no journal.
        """
        self.close()
        if not self.file.exists():
            return None
        number = 1
        while (aside := self.file.with_name(f"{self.file.stem}-{number}.db")).exists():
            number += 1
        # What SQLite keeps beside the file belongs to it, under its name.
        for suffix in ("-wal", "-shm", ""):
            part = self.file.with_name(self.file.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        return aside

    def _records(
        self, query: str, values: tuple[str | int, ...], decode: Callable[[str], _Record]
    ) -> list[_Record]:
        if self._open is None and not self.file.exists():
            return []
        with self._explained():
            rows = self._connection(reading=True).execute(query, values)
            return [decode(record) for (record,) in rows]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._explained():
            yield self._connection()

    def _connection(self, *, reading: bool = False) -> sqlite3.Connection:
        if self._open is None:
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self._open = _connect(self.file)
            except sqlite3.OperationalError as error:
                if not reading or not error.sqlite_errorname.startswith(_UNWRITABLE):
                    raise
                # In a folder that cannot be written SQLite cannot open a journal that may grow.
                self._open = _connect_read_only(self.file)
        return self._open

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite says into what to do."""
        try:
            yield
        except (sqlite3.Error, msgspec.DecodeError, OSError) as error:
            self.close()
            raise OperatorError(
                f"the journal {self.file} cannot be used: {error}", remedy=_remedy(error)
            ) from error


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        # Without a write-ahead log a reader would wait for a writer. NORMAL loses at most the
        # last records when the machine itself dies, and never the file.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_read_only(file: Path) -> sqlite3.Connection:
    name = f"file:{quote(str(file.absolute()))}?immutable=1"
    return sqlite3.connect(name, uri=True, isolation_level=None)


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date; of two processes that try at once, one does."""
    version = _version(connection)
    if version == len(_MIGRATIONS):
        return
    if version > len(_MIGRATIONS):
        raise OperatorError(
            f"the journal has version {version}, and this program knows {len(_MIGRATIONS)}",
            remedy="use the newer sf_ml_framework that wrote it",
        )
    with _transaction(connection):
        for script in _MIGRATIONS[_version(connection) :]:
            for statement in script.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # SQLite itself has rolled back when the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _put_run(connection: sqlite3.Connection, run: RunRecord) -> None:
    connection.execute(
        _RUN,
        (
            run.run_id,
            run.project,
            run.status,
            run.started,
            run.seconds,
            run.command,
            run.git_commit,
            run.git_dirty,
            _ENCODER.encode(run).decode(),
        ),
    )


def _put_node(connection: sqlite3.Connection, run: NodeRun) -> None:
    counts = [saved.rows for saved in run.outputs if saved.rows is not None]
    connection.execute(
        _NODE_RUN,
        (
            run.run_id,
            run.node,
            run.status,
            run.reason.kind,
            run.reason.detail,
            run.attempt,
            run.started,
            run.seconds,
            sum(counts) if counts else None,
            sum(saved.bytes for saved in run.outputs),
            run.peak_memory_bytes,
            run.key.digest if run.key else "",
            run.error,
            _ENCODER.encode(run).decode(),
        ),
    )


def _cancel_running(connection: sqlite3.Connection) -> list[str]:
    nodes = connection.execute("SELECT record FROM node_runs WHERE status = 'running'").fetchall()
    for (record,) in nodes:
        _put_node(
            connection,
            msgspec.structs.replace(_node_run(record), status="cancelled", error=_KILLED),
        )
    dead = [
        _run(record)
        for (record,) in connection.execute("SELECT record FROM runs WHERE status = 'running'")
    ]
    for run in dead:
        _put_run(connection, msgspec.structs.replace(run, status="cancelled"))
    return [run.run_id for run in dead]


def _run(record: str) -> RunRecord:
    return _RUN_DECODER.decode(record)


def _node_run(record: str) -> NodeRun:
    return _NODE_RUN_DECODER.decode(record)


def _remedy(error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(_UNWRITABLE) or isinstance(error, OSError):
        return "give the user that runs the right to write there"
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return "make room on the disk"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another process holds it; wait for it, or end it"
    return (
        "move it aside with `mlops clean --journal`; data and models stay as they are,"
        " and the next run begins a new journal"
    )
