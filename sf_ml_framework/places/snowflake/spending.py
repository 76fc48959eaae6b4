"""What an account was billed for a project's pools, and what ran in them.

Source: Snowflake, "SNOWPARK_CONTAINER_SERVICES_HISTORY" (credits of a pool by the hour, up to three
hours late, for a year), "WAREHOUSE_METERING_HISTORY", "SERVERLESS_TASK_HISTORY", "GET_JOB_HISTORY"
(30 days, the jobs of the role), "TASK_HISTORY" (the function: seven days).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.errors import AbsentError, AccessDeniedError, RefusedError
from sf_ml_framework.plan import names
from sf_ml_framework.plan.cost.attribute import PoolHour, Ran
from sf_ml_framework.plan.cost.work import node_of
from sf_ml_framework.plan.quoting import literal

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.targets import Target

_USAGE = "SNOWFLAKE.ACCOUNT_USAGE"
_ROWS = 10_000


class Billing:
    """What the account was billed, as a user sees it who may; lives as long as its account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def pool_hours(self, pools: Collection[str], since: datetime) -> list[PoolHour]:
        """Return what each of *pools* was billed, by the hour, from the hour of *since* on."""
        if not pools:
            return []
        rows = self._rows(
            "SELECT compute_pool_name AS name, start_time, end_time, credits_used"
            f" FROM {_USAGE}.SNOWPARK_CONTAINER_SERVICES_HISTORY"
            f" WHERE compute_pool_name IN ({_marks(pools)}) AND end_time > ?::TIMESTAMP_TZ"
            " ORDER BY start_time, compute_pool_name",
            (*sorted(pools), since.isoformat()),
        )
        return [
            PoolHour(
                pool=str(row["name"]),
                start=_seconds(row["start_time"]),
                end=_seconds(row["end_time"]),
                credits=float(row["credits_used"]),
            )
            for row in rows
            # The emulator, and perhaps a family of a preview, has no price; then nothing is known.
            if row["credits_used"] is not None
        ]

    def warehouses(self, warehouses: Collection[str], since: datetime) -> dict[str, float]:
        """Return the credits of whole warehouses; whoever else used them is in them."""
        rows = self._rows(
            f"SELECT warehouse_name AS name, SUM(credits_used) AS credits"
            f" FROM {_USAGE}.WAREHOUSE_METERING_HISTORY"
            f" WHERE warehouse_name IN ({_marks(warehouses)}) AND end_time > ?::TIMESTAMP_TZ"
            " GROUP BY 1 ORDER BY 1",
            (*sorted(warehouses), since.isoformat()),
        )
        return {str(row["name"]): float(row["credits"] or 0) for row in rows}

    def serverless(self, target: Target, tasks: Collection[str], since: datetime) -> float:
        """Return the credits of the graph's serverless tasks."""
        rows = self._rows(
            f"SELECT SUM(credits_used) AS credits FROM {_USAGE}.SERVERLESS_TASK_HISTORY"
            " WHERE database_name = ? AND schema_name = ?"
            f" AND task_name IN ({_marks(tasks)}) AND end_time > ?::TIMESTAMP_TZ",
            (target.database, target.schema, *sorted(tasks), since.isoformat()),
        )
        return float(rows[0]["credits"] or 0) if rows else 0.0

    def _rows(self, sql: str, binds: Sequence[Any]) -> list[dict[str, Any]]:
        try:
            return self._account.rows(sql, tuple(binds))
        except (AbsentError, AccessDeniedError) as error:
            role = self._account.role
            raise OperatorError(
                f"neither {role} nor another role of yours may see what was billed: {error}",
                remedy="by ACCOUNTADMIN: GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE <any of"
                " yours>",
            ) from error


class NodeRan(msgspec.Struct, frozen=True, kw_only=True):
    """A node of a run, as its own record has it."""

    run_id: str
    node: str
    start: float
    end: float


class Running:
    """What ran in a project's pools, as the role of its tasks sees it."""

    def __init__(self, account: Account, target: Target) -> None:
        self._account, self._target = account, target
        self._schema = f"{quoted(target.database)}.{quoted(target.schema)}"

    def of(
        self,
        project: str,
        pools: Collection[str],
        since: datetime,
        weights: Mapping[str, tuple[str, float]],
    ) -> list[Ran]:
        """Return what ran in *pools* since, each job of a node with its run.

        A job is known by its task's statement; one that no remembered task started belongs to the
        node that recorded itself while it was there. A node whose job is not remembered counts for
        the time that it recorded itself.

        Args:
            project: whose graph it is.
            pools: which pools.
            since: what ended before is left out.
            weights: for each node its pool, and which part of a machine it asks for.
        """
        recorded = self._recorded(since)
        tasks = self._tasks(project)
        found: list[Ran] = []
        unlinked: list[Ran] = []
        for row in self._jobs(pools, since):
            ran = _job(row)
            of_task = tasks.get(str(row["query_id"]))
            if of_task is None:
                unlinked.append(ran)
            else:
                found.append(_told(ran, *of_task, recorded, weights))
        ours = f"{self._target.database}.{self._target.schema}."
        # The latest first, for of two jobs that could be a node's it is the one that came last.
        for ran in sorted(unlinked, key=lambda each: -each.start):
            inside = _inside(ran, recorded, weights) if ran.job.startswith(ours) else None
            found.append(_told(ran, *inside, recorded, weights) if inside else ran)
        left = (_alone(node_run, weights) for node_run in recorded.values())
        return [*found, *(ran for ran in left if ran.pool in pools)]

    def _recorded(self, since: datetime) -> dict[tuple[str, str], NodeRan]:
        rows = self._account.rows(
            f"SELECT run_id, node, started, seconds FROM {self._schema}.{quoted(names.NODE_RUNS)}"
            " WHERE started <> '' AND started::TIMESTAMP_TZ"
            " >= DATEADD('day', -1, ?::TIMESTAMP_TZ) AND status <> 'running'",
            (since.isoformat(),),
        )
        found = {}
        for row in rows:
            start = datetime.fromisoformat(str(row["started"])).timestamp()
            found[str(row["run_id"]), str(row["node"])] = NodeRan(
                run_id=str(row["run_id"]),
                node=str(row["node"]),
                start=start,
                end=start + float(row["seconds"] or 0),
            )
        return found

    def _tasks(self, project: str) -> dict[str, tuple[str, str]]:
        """Return for each statement of a task its run and node."""
        root = names.root_task(project)
        try:
            shown = self._account.rows(f"SHOW TASKS LIKE {literal(root)} IN SCHEMA {self._schema}")
            ids = [str(row["id"]) for row in shown if row["name"] == root]
            if not ids:
                return {}
            rows = self._account.rows(
                "SELECT name, query_id, graph_run_group_id FROM TABLE("
                f"{quoted(self._target.database)}.INFORMATION_SCHEMA.TASK_HISTORY("
                f"ROOT_TASK_ID => ?, RESULT_LIMIT => {_ROWS}))"
                " WHERE query_id IS NOT NULL AND graph_run_group_id IS NOT NULL",
                (ids[0],),
            )
        except RefusedError:
            return {}
        return {
            str(row["query_id"]): (str(row["graph_run_group_id"]), node_of(str(row["name"])))
            for row in rows
        }

    def _jobs(self, pools: Collection[str], since: datetime) -> list[dict[str, Any]]:
        if not pools:
            return []
        return self._account.rows(
            "SELECT query_id, name, database_name, schema_name, created_time, completed_time,"
            " compute_pool_name FROM TABLE(SNOWFLAKE.SPCS.GET_JOB_HISTORY("
            f"CREATED_TIME_START => DATEADD('day', -1, ?::TIMESTAMP_TZ), RESULT_LIMIT => {_ROWS}))"
            f" WHERE compute_pool_name IN ({_marks(pools)})",
            (since.isoformat(), *sorted(pools)),
        )


def _job(row: Mapping[str, Any]) -> Ran:
    """Return a job; one that goes on has come as far as now."""
    return Ran(
        pool=str(row["compute_pool_name"]),
        start=_seconds(row["created_time"]),
        end=_seconds(row["completed_time"] or datetime.now(UTC)),
        job=f"{row['database_name']}.{row['schema_name']}.{row['name']}",
    )


def _alone(node_run: NodeRan, weights: Mapping[str, tuple[str, float]]) -> Ran:
    """Return a node whose job is remembered no more; its pool is that of the node today."""
    pool, weight = weights.get(node_run.node, ("", 1.0))
    return Ran(
        pool=pool,
        start=node_run.start,
        end=node_run.end,
        node=node_run.node,
        run_id=node_run.run_id,
        weight=weight,
    )


def _told(
    ran: Ran,
    run_id: str,
    node: str,
    recorded: dict[tuple[str, str], NodeRan],
    weights: Mapping[str, tuple[str, float]],
) -> Ran:
    """Return *ran* as that node's; its own record, if it is of this job, is taken away."""
    known = recorded.get((run_id, node))
    inner: dict[str, float] = {}
    if known is not None and ran.start - 1 <= known.start <= ran.end:
        recorded.pop((run_id, node))
        inner = {"works_from": known.start, "works_until": known.end}
    return msgspec.structs.replace(
        ran, run_id=run_id, node=node, weight=weights.get(node, ("", 1.0))[1], **inner
    )


def _inside(
    ran: Ran,
    recorded: Mapping[tuple[str, str], NodeRan],
    weights: Mapping[str, tuple[str, float]],
) -> tuple[str, str] | None:
    """Return the run and node that recorded itself last while the job was there."""
    found = [
        each
        for each in recorded.values()
        if ran.start - 1 <= each.start <= ran.end
        and weights.get(each.node, (ran.pool,))[0] == ran.pool
    ]
    if not found:
        return None
    last = max(found, key=lambda each: each.start)
    return last.run_id, last.node


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


def _seconds(moment: datetime) -> float:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.timestamp()
