"""One node as a job of its own, outside of any run of the graph: its statement, and waiting for it.

The job has a name of ours, made from the run's id, so that it is found again by whoever knows the
run.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from sf_ml_framework.deploy.graph_ports import Job, JobControl, pauses
from sf_ml_framework.errors import OperatorError, PlatformError
from sf_ml_framework.manifest.model import NodeSpec
from sf_ml_framework.plan import jobs, names, yaml_text
from sf_ml_framework.plan.quoting import dollar, literal, name
from sf_ml_framework.targets import Target

OVER = ("DONE", "FAILED", "CANCELLED", "INTERNAL_ERROR", "DELETED")
"""Statuses of a job of which nothing more will come. Source: Snowflake, "DESCRIBE SERVICE"."""
APPEAR_SECONDS = 60.0
"""How long the account's history of jobs may take to know a job that was begun."""


def job_name(target: Target, run_id: str) -> str:
    """Return the qualified name of the job of a run of one node.

    Source: Snowflake, "EXECUTE JOB SERVICE": letters, digits and ``_``, also as a DNS label.
    """
    return names.within(target, f"MLOPS_{run_id.replace('-', '_')}")


def is_run_of_one_node(run_id: str) -> bool:
    """Return whether *run_id* is of the form that a run of one node has, and so a job's name."""
    return re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]+", run_id) is not None


def statement(
    node: NodeSpec,
    target: Target,
    run_id: str,
    *,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    tag: str = "",
) -> str:
    """Return the statement that begins *node* as a job of its own and does not wait for it.

    Args:
        node: what runs.
        target: where.
        run_id: under which it is recorded.
        inputs: what it changes of parameters and of datasets that are read.
        outputs: what it changes of where results go.
        tag: of the image; empty: the target's.

    Raises:
        OperatorError: the node asks for more than one container.
        SettingsError: a value would end the specification in SQL.
    """
    content = _specification(node, target, tag)
    _change(content["spec"]["containers"][0], run_id, inputs, outputs)
    pool = target.pools[node.resources.pool_size].name
    lines = [
        "EXECUTE JOB SERVICE",
        f"  IN COMPUTE POOL {name(pool)}",
        f"  NAME = {name(job_name(target, run_id))}",
        "  ASYNC = TRUE",
        f"  QUERY_WAREHOUSE = {name(target.warehouse)}",
        f"  COMMENT = {literal(f'node={node.name}')}",
    ]
    if node.external_access:
        ways_out = ", ".join(jobs.ways_out(node, target))
        lines.append(f"  EXTERNAL_ACCESS_INTEGRATIONS = ({ways_out})")
    quoted = dollar("\n" + yaml_text.dump(content), f"the job of node {node.name!r}")
    return "\n".join([*lines, f"  FROM SPECIFICATION {quoted}"])


def _specification(node: NodeSpec, target: Target, tag: str) -> dict[str, Any]:
    if node.resources.target_instances > 1:
        raise OperatorError(
            f"node {node.name!r} asks for {node.resources.target_instances} instances, which an ML"
            " Job makes, not a job of one container",
            remedy=f"run its task: mlops tasks run, then mlops tasks logs {node.name}",
        )
    return jobs.specification(node, target, tag)


def _change(
    container: dict[str, Any], run_id: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]
) -> None:
    """Tell *container* which run it is, and what that changes."""
    for option, value in (("--inputs", inputs), ("--outputs", outputs)):
        if value:
            text = msgspec.json.encode(value, order="sorted").decode()
            container["args"] = [*container["args"], option, text]
    container["env"] = {**container["env"], "MLOPS_RUN_ID": run_id}


def followed(
    control: JobControl,
    qualified: str,
    *,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[Job, list[str]]]:
    """Yield a job again and again until it is over, each time with the lines printed since.

    Raises:
        PlatformError: the account knows no such job.
    """
    seen: list[str] = []
    began = clock()
    for pause in pauses():
        job = control.named(qualified)
        if job is None and clock() - began > APPEAR_SECONDS:
            raise PlatformError(
                f"the account knows no job {qualified}",
                remedy="look with SHOW JOB SERVICES, and begin it again",
            )
        if job is not None:
            # Asked for in this order, so that the last lines of a job that is over are all there.
            lines = list(control.tail(job, 0))
            yield job, since(seen, lines)
            seen = lines or seen
            if job.status in OVER:
                return
        sleep(pause)


def since(before: list[str], now: list[str]) -> list[str]:
    """Return the lines of *now* that come after *before*: two windows of one growing text.

    A window may have lost its beginning; where they do not meet, all of *now* is new.
    """
    if not before or not now:
        return now
    if now[: len(before)] == before:
        return now[len(before) :]
    # The longest end of the one that is a beginning of the other.
    for start in range(1, len(before)):
        if before[start:] == now[: len(before) - start]:
            return now[len(before) - start :]
    return now
