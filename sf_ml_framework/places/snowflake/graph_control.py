"""One deployed graph of tasks in an account: asked, started, resumed, cancelled, dropped.

Implements ``deploy/graph_ports.py::GraphControl``. What is asked of all tasks is asked at once.

Source: Snowflake, "SHOW TASKS", "EXECUTE TASK", "ALTER TASK", "SYSTEM$TASK_DEPENDENTS_ENABLE",
"SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS".
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from sf_ml_framework.deploy.graph_ports import Flights, Graph, GraphRun, TaskRun, TaskShown
from sf_ml_framework.errors import OperatorError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.errors import AbsentError, RefusedError
from sf_ml_framework.places.snowflake.graph_history import GraphHistory
from sf_ml_framework.places.snowflake.standing import qualified
from sf_ml_framework.plan.quoting import literal

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_IMAGE = re.compile(r"^\s*-?\s*image:\s*[\"']?(/[^\s\"']+)", re.MULTILINE)
"""The image in a specification; it is lower case and has no white space."""


class SnowflakeGraph:
    """The graph of one root; lives as long as its account.

    Args:
        account: whose role looks and acts.
        database: of the graph.
        schema: of the graph, unqualified.
        root: its root, unqualified, upper case.
        nodes: for each task of a node its node.
    """

    def __init__(
        self, account: Account, database: str, schema: str, root: str, nodes: Mapping[str, str]
    ) -> None:
        self._account = account
        self._database, self._schema, self._root = database, schema, root
        self._nodes = dict(nodes)
        self._history = GraphHistory(account, database, schema)

    def graph(self) -> Graph:
        """Return the graph as it stands; one statement.

        Raises:
            OperatorError: there is none, or the role may not see it.
        """
        try:
            rows = self._account.rows(
                f"SHOW TASKS IN SCHEMA {quoted(self._database)}.{quoted(self._schema)}"
            )
        except AbsentError:
            rows = []
        shown = {str(row["name"]): row for row in rows}
        if self._root not in shown:
            raise OperatorError(
                f"no task {self._full(self._root)} stands, or role {self._account.role} may not"
                " see it: the project is not deployed there",
                remedy="mlops tasks create, with the same --target",
            )
        return self._built(shown)

    def flights(self, graph: Graph) -> Flights:
        """Return what runs now, and when the next run is due; one statement."""
        return self._history.flights(graph.root.name)

    def runs(self, graph: Graph, *, limit: int) -> Sequence[GraphRun]:
        """Return the runs of the last seven days, newest first; one statement."""
        return self._history.runs(graph.id, limit)

    def task_runs(self, graph: Graph, run_id: str) -> Mapping[str, TaskRun]:
        """Return for each task that ran in a run its last attempt; one statement."""
        return self._history.task_runs(graph.id, run_id)

    def find(self, graph: Graph, marker: str) -> str:
        """Return the run whose configuration holds *marker*; empty when there is none yet."""
        return self._history.find(graph.id, marker)

    def execute(self, graph: Graph, config: str) -> None:
        """Ask for a run with *config*, a JSON object; returns before it begins."""
        self._account.execute(
            f"EXECUTE TASK {self._sql(graph.root.name)} USING CONFIG = {literal(config)}"
        )

    def retry_last(self, graph: Graph) -> None:
        """Ask for the last run again, from what failed on."""
        self._account.execute(f"EXECUTE TASK {self._sql(graph.root.name)} RETRY LAST")

    def cancel(self, graph: Graph, tasks: Collection[str]) -> None:
        """Cancel what goes on of the root and of *tasks*, in every run; one statement.

        Of both: the page says that only what a task executes is ended, and a root that has ended
        executes nothing.
        """
        names = [graph.root.name, *sorted(set(tasks) - {graph.root.name})]
        calls = ", ".join(["SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS(?)"] * len(names))
        self._account.rows(f"SELECT {calls}", [self._full(name) for name in names])

    def resume(self, graph: Graph, tasks: Sequence[str]) -> None:
        """Resume *tasks*, in that order; all below a root that is to start by one statement."""
        below = set(graph.suspended)
        # It enables the root too: only where the root is meant, or was only suspended meanwhile.
        with_root = graph.schedule and (graph.root.name in tasks or graph.root.started)
        if with_root and len(below) > 1 and below <= set(tasks):
            self._account.rows(
                "SELECT SYSTEM$TASK_DEPENDENTS_ENABLE(?)", (self._full(graph.root.name),)
            )
            tasks = [name for name in tasks if name == graph.root.name]
        for name in tasks:
            self._account.execute(f"ALTER TASK {self._sql(name)} RESUME")

    def suspend(self, graph: Graph, tasks: Sequence[str]) -> None:
        """Suspend *tasks*, in that order."""
        for name in tasks:
            self._account.execute(f"ALTER TASK {self._sql(name)} SUSPEND")

    def drop(self, graph: Graph, tasks: Sequence[str]) -> None:
        """Drop *tasks*, in that order."""
        for name in tasks:
            self._account.execute(f"DROP TASK IF EXISTS {self._sql(name)}")

    def moved_image(self, graph: Graph, task_runs: Mapping[str, TaskRun]) -> str:
        """Return how the image differs from the one that a run began with; empty if it does not.

        Two statements and one for the jobs. Where a job or an image cannot be seen any more nothing
        is known to have changed.
        """
        from sf_ml_framework.places.snowflake.jobs import SnowflakeJobs

        ran = [run for name, run in task_runs.items() if self._image_of(graph, name)]
        ran.sort(key=lambda run: run.started)
        if not ran:
            return ""
        ids = [run.query_id for run in ran if run.query_id]
        jobs = SnowflakeJobs(self._account).of_queries(ids, ran[0].started)
        image = self._image_of(graph, ran[0].task)
        for run in ran:
            if run.query_id in jobs:
                before = self._digest_of_job(jobs[run.query_id].name)
                now = self._digest_of(image)
                changed = before and now and before != now
                return f"it began with {before[:19]}, {image} is {now[:19]}" if changed else ""
        return ""

    def _image_of(self, graph: Graph, name: str) -> str:
        task = graph.by_name.get(name)
        return task.image if task else ""

    def _digest_of_job(self, name: str) -> str:
        try:
            rows = self._account.rows(f"SHOW SERVICE CONTAINERS IN SERVICE {qualified(name)}")
        except RefusedError:
            return ""
        return str(rows[0].get("image_digest") or "") if rows else ""

    def _digest_of(self, image: str) -> str:
        """Return the digest that ``/db/schema/repository/image:tag`` stands for now."""
        path, _, tag = image.strip("/").rpartition(":")
        parts = path.split("/")
        if len(parts) != 4:
            return ""
        repository = qualified(".".join(part.upper() for part in parts[:3]))
        try:
            rows = self._account.rows(f"SHOW IMAGES IN IMAGE REPOSITORY {repository}")
        except RefusedError:
            return ""
        for row in rows:
            if str(row["image_name"]) == parts[3] and tag in str(row["tags"]).split(","):
                return str(row["digest"])
        return ""

    def _built(self, shown: Mapping[str, Mapping[str, Any]]) -> Graph:
        top = shown[self._root]
        above = {name: _predecessors(row) for name, row in shown.items()}
        members = _below(self._root, above)
        end = str(_relations(top).get("FinalizerTask") or "").replace('"', "").rpartition(".")[2]
        return Graph(
            database=self._database,
            schema=self._schema,
            root=self._task(top, ()),
            id=str(top["id"]),
            nodes=tuple(self._task(shown[name], above[name]) for name in members),
            finalizer=self._task(shown[end], ()) if end in shown else None,
            schedule=str(top["schedule"] or ""),
            overlaps=str(top["allow_overlapping_execution"] or "").lower() == "true",
            suspended_reason=str(top["last_suspended_reason"] or "")
            if top["state"] != "started"
            else "",
        )

    def _task(self, row: Mapping[str, Any], after: tuple[str, ...]) -> TaskShown:
        name = str(row["name"])
        image = _IMAGE.search(str(row["definition"] or ""))
        known = self._nodes.get(name, "")
        # A task that left the code, or another project's, is called by its own name.
        node = known or (name.removeprefix("TASK_").lower() if after else "")
        return TaskShown(
            name=name,
            node=node,
            started=row["state"] == "started",
            after=after,
            image=image[1] if image else "",
        )

    def _full(self, name: str) -> str:
        return f"{self._database}.{self._schema}.{name}"

    def _sql(self, name: str) -> str:
        return qualified(self._full(name))


def _relations(row: Mapping[str, Any]) -> dict[str, Any]:
    found = json.loads(row["task_relations"] or "{}")
    return found if isinstance(found, dict) else {}


def _predecessors(row: Mapping[str, Any]) -> tuple[str, ...]:
    names = json.loads(row["predecessors"] or "[]")
    return tuple(str(name).replace('"', "").rpartition(".")[2] for name in names)


def _below(root: str, above: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return what waits for *root*, however far, each after what it waits for."""
    order = TopologicalSorter(above).static_order()
    found = {root}
    members = []
    for name in order:
        if name != root and found & set(above.get(name, ())):
            found.add(name)
            members.append(name)
    return members
