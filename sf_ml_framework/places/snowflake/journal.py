"""The journal of a project in an account: the tables MLOPS_RUNS and MLOPS_NODE_RUNS.

Each row holds the whole record as JSON, and beside it, as plain columns, what a person asks for.
The containers of one run write at once, each its own node: every write is one MERGE, and Snowflake
runs MERGE statements on a table one after another.

Source: Snowflake, "Transactions" (resource locking), "MERGE", "QUALIFY".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from sf_ml_framework.errors import OperatorError, UnknownNameError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.merging import merge
from sf_ml_framework.places.snowflake.task_errors import remedy_of
from sf_ml_framework.plan.names import NODE_RUNS, RUNS
from sf_ml_framework.run.records import NodeRun, RunRecord

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

LAST: Final = "last"
"""Stands for the newest run."""

AHEAD = 50
"""Runs whose nodes are read by one question after a list of runs was read."""

_ONE_EACH = "QUALIFY ROW_NUMBER() OVER (PARTITION BY run_id{more} ORDER BY seconds DESC) = 1"
"""Snowflake enforces no key. Should two first records of one thing ever both be inserted, a later
MERGE changes both, and a reader takes one."""

_ENCODER = msgspec.json.Encoder()
_RUN_DECODER = msgspec.json.Decoder(RunRecord)
_NODE_RUN_DECODER = msgspec.json.Decoder(NodeRun)
_Record = TypeVar("_Record", RunRecord, NodeRun)


class SnowflakeJournal:
    """Implements the Journal port in two tables of a schema; they exist since the deployment.

    Every method is one statement. It lives as long as its account, which its opener closes.

    Args:
        account: the connection.
        database: where the tables stand, as Snowflake stores the name.
        schema: the same.
        project: whose runs are told of, but for one that is named by its whole id; empty: those
            of all projects of the schema.
    """

    def __init__(self, account: Account, database: str, schema: str, project: str = "") -> None:
        self._account, self._project = account, project
        self._runs = f"{quoted(database)}.{quoted(schema)}.{quoted(RUNS)}"
        self._node_runs = f"{quoted(database)}.{quoted(schema)}.{quoted(NODE_RUNS)}"
        self._listed: list[str] = []
        self._ahead: dict[str, list[NodeRun]] = {}

    def close(self) -> None:
        """Forget what was read ahead; the account is its opener's."""
        self._listed.clear()
        self._ahead.clear()

    def start_run(self, run: RunRecord) -> None:
        """Record that *run* began."""
        values = {
            "RUN_ID": run.run_id,
            "PROJECT": run.project,
            "STATUS": run.status,
            "STARTED": run.started,
            "SECONDS": run.seconds,
            "COMMAND": run.command,
            "GIT_COMMIT": run.git_commit,
            "GIT_DIRTY": run.git_dirty,
            "RECORD": _ENCODER.encode(run).decode(),
        }
        self._put(self._runs, values, keys=1)

    def finish_run(self, run: RunRecord) -> None:
        """Replace the record of *run* by its final one."""
        self.start_run(run)

    def cancel_dead(self) -> Sequence[str]:
        """Do nothing: here nobody can tell a dead run by holding a lock.

        On a laptop one process runs at a time, so who holds the project's lock knows that every
        other run is dead. In an account runs go on beside each other, in containers of which this
        process knows nothing. That a container died is told by the history of its task, from which
        the graph's finalizer sets the final status of the run and of its nodes.
        """
        return ()

    def record_node(self, node_run: NodeRun) -> None:
        """Record a node of a run; a later record of the same run and node replaces it.

        The column ``started`` stays what it was when the node first began, which is its turn.
        """
        counts = [saved.rows for saved in node_run.outputs if saved.rows is not None]
        rows = sum(counts) if counts else None
        values = {
            "RUN_ID": node_run.run_id,
            "NODE": node_run.node,
            "STATUS": node_run.status,
            "REASON": node_run.reason.kind,
            "DETAIL": node_run.reason.detail,
            "ATTEMPT": node_run.attempt,
            "STARTED": node_run.started,
            "SECONDS": node_run.seconds,
            "ROWS": rows,
            "BYTES": sum(saved.bytes for saved in node_run.outputs),
            "PEAK_MEMORY_BYTES": node_run.peak_memory_bytes,
            "KEY": node_run.key.digest if node_run.key else "",
            "ERROR": node_run.error,
            "RECORD": _ENCODER.encode(node_run).decode(),
        }
        self._put(self._node_runs, values, keys=2, once="STARTED")

    def last_success(self, node: str) -> NodeRun | None:
        """Return the newest record of *node* that succeeded (not one that was skipped)."""
        return self._newest("node = ?", (node,))

    def find_success(self, node: str, key_digest: str) -> NodeRun | None:
        """Return the newest success of *node* whose key has that digest."""
        return self._newest("node = ? AND key = ?", (node, key_digest))

    def runs(self, *, limit: int = 20, status: str = "") -> Sequence[RunRecord]:
        """Return runs, newest first; a *limit* below zero is none."""
        most = f" LIMIT {limit:d}" if limit >= 0 else ""
        found = self._asked_runs(
            f"WHERE ? IN ('', status) AND ? IN ('', project) {_ONE_EACH.format(more='')}"
            f" ORDER BY started DESC, run_id DESC{most}",
            (status, self._project),
        )
        self._listed = [run.run_id for run in found]
        self._ahead.clear()
        return found

    def run(self, run_id: str) -> RunRecord:
        """Return the run whose id is, or uniquely begins with, *run_id*; ``last`` is the newest.

        Of another project a run is found by its whole id alone.

        Raises:
            UnknownNameError: there is none, or more than one; names the nearest.
        """
        if run_id == LAST and (newest := self.runs(limit=1)):
            return newest[0]
        matches = (
            self._asked_runs(
                "WHERE STARTSWITH(run_id, ?) AND (run_id = ? OR ? IN ('', project))"
                f" {_ONE_EACH.format(more='')} ORDER BY IFF(run_id = ?, 0, 1), run_id",
                (run_id, run_id, self._project, run_id),
            )
            if run_id
            else []
        )
        if len(matches) == 1 or (matches and matches[0].run_id == run_id):
            return matches[0]
        known = matches or self.runs(limit=100)
        raise UnknownNameError(kind="run", name=run_id, known=[each.run_id for each in known])

    def node_runs(self, run_id: str) -> Sequence[NodeRun]:
        """Return the nodes of a run (exact id) in the order in which they began."""
        if run_id in self._ahead:
            # Given once only, so that who asks again learns what happened since.
            return self._ahead.pop(run_id)
        wanted = [run_id]
        if run_id in self._listed:
            place = self._listed.index(run_id)
            wanted = self._listed[place : place + AHEAD]
            del self._listed[place : place + AHEAD]
        found = self._nodes_of(wanted)
        self._ahead |= found
        return self._ahead.pop(run_id)

    def durations(self, most: int = 50) -> Mapping[str, list[float]]:
        """Return for each node the seconds of its last successes, *most* at most."""
        ours, values = self._ours()
        rows = self._account.rows(
            f"SELECT node, seconds FROM {self._node_runs} WHERE status = 'succeeded'{ours}"
            " QUALIFY ROW_NUMBER() OVER (PARTITION BY node ORDER BY started DESC) <= ?",
            (*values, most),
        )
        found: dict[str, list[float]] = {}
        for row in rows:
            if row["seconds"] is not None:
                found.setdefault(str(row["node"]), []).append(float(row["seconds"]))
        return found

    def _put(self, table: str, values: Mapping[str, Any], *, keys: int, once: str = "") -> None:
        self._account.execute(merge(table, list(values), keys, once=once), tuple(values.values()))

    def _nodes_of(self, run_ids: Sequence[str]) -> dict[str, list[NodeRun]]:
        marks = ", ".join("?" * len(run_ids))
        rows = self._account.rows(
            f"SELECT status, seconds, error, record FROM {self._node_runs}"
            f" WHERE run_id IN ({marks}) {_ONE_EACH.format(more=', node')}"
            " ORDER BY NULLIF(started, '') NULLS LAST, node",
            tuple(run_ids),
        )
        found: dict[str, list[NodeRun]] = {run_id: [] for run_id in run_ids}
        for node_run in map(self._node_run, rows):
            found[node_run.run_id].append(node_run)
        return found

    def _newest(self, condition: str, values: tuple[str, ...]) -> NodeRun | None:
        ours, project = self._ours()
        rows = self._account.rows(
            f"SELECT status, seconds, error, record FROM {self._node_runs}"
            f" WHERE {condition} AND status = 'succeeded'{ours}"
            " ORDER BY started DESC, run_id DESC LIMIT 1",
            (*values, *project),
        )
        return self._node_run(rows[0]) if rows else None

    def _ours(self) -> tuple[str, tuple[str, ...]]:
        """Return the condition that a node's run is one of the project, and its values."""
        if not self._project:
            return "", ()
        runs = f"SELECT run_id FROM {self._runs} WHERE project = ?"
        return f" AND run_id IN ({runs})", (self._project,)

    def _asked_runs(self, rest: str, values: tuple[Any, ...]) -> list[RunRecord]:
        rows = self._account.rows(
            f"SELECT status, seconds, record FROM {self._runs} {rest}",
            values,
        )
        return [self._run(row) for row in rows]

    def _run(self, row: dict[str, Any]) -> RunRecord:
        record = self._decoded(row["record"], _RUN_DECODER.decode, self._runs)
        # The finalizer of the graph is SQL: it knows the columns, and how the run ended.
        return msgspec.structs.replace(
            record, status=row["status"], seconds=_seconds(row["seconds"], record.seconds)
        )

    def _node_run(self, row: dict[str, Any]) -> NodeRun:
        record = self._decoded(row["record"], _NODE_RUN_DECODER.decode, self._node_runs)
        # Where the platform ended it, only its words are there.
        of_task = row["status"] == "failed" and not (
            record.status == "failed" and record.error_kind
        )
        return msgspec.structs.replace(
            record,
            status=row["status"],
            seconds=_seconds(row["seconds"], record.seconds),
            error=row["error"] or record.error,
            remedy=remedy_of(row["error"] or "") if of_task else record.remedy,
        )

    def _decoded(self, text: Any, decode: Callable[[str], _Record], table: str) -> _Record:
        try:
            return decode(text)
        except (msgspec.DecodeError, TypeError) as error:
            raise OperatorError(
                f"a record in {table} cannot be read: {error}",
                remedy="nothing but this framework may write that table; delete the damaged row",
            ) from error


def _seconds(column: Any, record: float) -> float:
    return record if column is None else float(column)
