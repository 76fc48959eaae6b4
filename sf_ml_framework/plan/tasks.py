"""The graph of tasks of a project: a root, one task for each node, a finalizer.

Source: Snowflake, "CREATE TASK", "Create a sequence of tasks with a task graph" (limits).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from sf_ml_framework.errors import Fault, ManifestError
from sf_ml_framework.manifest.model import Manifest, NodeSpec
from sf_ml_framework.plan import finalizer, jobs, names
from sf_ml_framework.plan.objects import Task
from sf_ml_framework.targets import Target

MAX_TASKS, MAX_PARENTS, MAX_CHILDREN = 1000, 100, 100
LONGEST_TIMEOUT_MS = 604_800_000
FINALIZER_TIMEOUT_MS = 600_000


def graph(
    manifest: Manifest, target: Target, tag: str = "", bodies: Mapping[str, str] | None = None
) -> tuple[Task, ...]:
    """Return the tasks in an order in which they can be made, the finalizer last.

    Args:
        manifest: the project.
        target: where it runs.
        tag: of the image; empty: the target's.
        bodies: for a node the statement that runs it, where it is not a job of one container.

    Raises:
        ManifestError: no graph can be made of the nodes: two names meet, or there are too many.
    """
    faults = list(_faults(manifest, bodies or {}))
    if faults:
        raise ManifestError(faults)
    root = names.root_task(manifest.project)
    nodes = [_node(manifest, node, target, tag, (bodies or {}).get(node.name)) for node in
             manifest.nodes]  # fmt: skip
    end = Task(
        name=names.within(target, names.finalizer_task(manifest.project)),
        body=finalizer.statement(manifest.project, target),
        finalizes=root,
        timeout_ms=FINALIZER_TIMEOUT_MS,
        warehouse=target.tasks.warehouse,
        comment=f"{names.mark(manifest.project)}end of a run",
    )
    return (_root(manifest, target), *nodes, end)


def _root(manifest: Manifest, target: Target) -> Task:
    tasks, told = target.tasks, target.notifications
    started: bool | None = None
    if tasks.state != "kept":
        # Snowflake resumes no root that nothing would start; it is run with EXECUTE TASK.
        started = tasks.state == "started" and bool(tasks.schedule)
    return Task(
        name=names.within(target, names.root_task(manifest.project)),
        body="SELECT 1",
        schedule=tasks.schedule,
        config=canonical_json(tasks.config) if tasks.config else "",
        overlap_policy=tasks.overlap_policy,
        timeout_ms=_limit(manifest, target),
        suspend_after_failures=tasks.suspend_after_failures,
        auto_retry_attempts=tasks.auto_retry_attempts,
        warehouse=tasks.warehouse,
        error_integration=told.error_integration,
        success_integration=told.success_integration,
        comment=f"{names.mark(manifest.project)}start of a run",
        started=started,
    )


def _node(manifest: Manifest, node: NodeSpec, target: Target, tag: str, body: str | None) -> Task:
    before = node.dependencies
    after = map(names.node_task, before) if before else [names.root_task(manifest.project)]
    return Task(
        name=names.within(target, names.node_task(node.name)),
        body=body or jobs.statement(node, target, tag),
        after=tuple(sorted(after)),
        timeout_ms=min(node.resources.timeout_seconds * 1000, LONGEST_TIMEOUT_MS),
        warehouse=target.tasks.warehouse,
        comment=f"{names.mark(manifest.project)}node {node.name}",
    )


def canonical_json(value: object) -> str:
    """Return *value* as the one JSON text that stands for it."""
    return msgspec.json.encode(value, order="sorted").decode()


def _limit(manifest: Manifest, target: Target) -> int:
    """Return the limit of a whole run, in milliseconds: as said, or the longest way through."""
    if target.tasks.timeout_minutes:
        return target.tasks.timeout_minutes * 60_000
    way: dict[str, int] = {}
    for node in manifest.nodes:
        before = max((way[name] for name in node.dependencies), default=0)
        way[node.name] = before + node.resources.timeout_seconds * 1000
    attempts = 1 + target.tasks.auto_retry_attempts
    whole = max(way.values(), default=0) * attempts + FINALIZER_TIMEOUT_MS
    return min(whole, LONGEST_TIMEOUT_MS)


def _faults(manifest: Manifest, bodies: Mapping[str, str]) -> Iterable[Fault]:
    taken = {names.root_task(manifest.project), names.finalizer_task(manifest.project)}
    children = Counter(name for node in manifest.nodes for name in node.dependencies)
    first = sum(not node.dependencies for node in manifest.nodes)
    if len(manifest.nodes) + 2 > MAX_TASKS:
        yield Fault(
            message=f"{len(manifest.nodes)} nodes need {len(manifest.nodes) + 2} tasks, and a task "
            f"graph of Snowflake has at most {MAX_TASKS}",
            remedy="make two projects of it",
        )
    if first > MAX_CHILDREN:
        yield Fault(
            message=f"{first} nodes wait for nothing, and at most {MAX_CHILDREN} tasks can follow "
            "the root",
            remedy="let some of them wait for another",
        )
    for node in manifest.nodes:
        if names.node_task(node.name) in taken:
            yield Fault(
                message=f"the task of node {node.name!r} would be called as the project's own "
                f"{names.node_task(node.name)}",
                remedy="rename the node",
                place=node.place,
            )
        if len(node.dependencies) > MAX_PARENTS or children[node.name] > MAX_CHILDREN:
            yield Fault(
                message=f"node {node.name!r} waits for {len(node.dependencies)} nodes and "
                f"{children[node.name]} wait for it; Snowflake takes {MAX_PARENTS} of each",
                remedy="put a node between them",
                place=node.place,
            )
        if node.resources.target_instances > 1 and node.name not in bodies:
            yield Fault(
                message=f"node {node.name!r} asks for {node.resources.target_instances} instances, "
                "which an ML Job of the account makes, not a job of one container",
                remedy="compile it with a connection, or set target_instances to 1",
                place=node.place,
            )
