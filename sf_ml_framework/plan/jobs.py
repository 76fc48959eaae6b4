"""The job of a node: its specification as a dict and as YAML, and the statement that runs it.

Source: Snowflake, "Service specification reference", "EXECUTE JOB SERVICE".
"""

from __future__ import annotations

from math import ceil
from typing import Any

from sf_ml_framework.environments import VARIABLE
from sf_ml_framework.manifest.model import NodeSpec, Resources
from sf_ml_framework.plan import names, yaml_text
from sf_ml_framework.plan.quoting import dollar, literal, name
from sf_ml_framework.targets import Target

_UNITS = (("Gi", 2**30), ("Mi", 2**20), ("G", 10**9), ("M", 10**6))
"""The units of memory that a specification takes."""


def specification(
    node: NodeSpec, target: Target, tag: str = "", *, task: str = ""
) -> dict[str, Any]:
    """Return what a specification says of the job of *node*.

    Args:
        node: what the container runs.
        target: where.
        tag: of the image; empty: the target's.
        task: the task that starts it, by which it finds its run; empty: a person does.
    """
    return {
        "spec": {
            "containers": [_container(node, target, tag, task)],
            "logExporters": {"eventTableConfig": {"logLevel": target.log_level}},
            "platformMonitor": {
                "metricConfig": {"groups": ["system", "system_limits", "status"]},
            },
        }
    }


def _container(node: NodeSpec, target: Target, tag: str, task: str) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": names.CONTAINER,
        "image": names.image_path(target, tag),
        "args": ["--node", node.name],
        "env": environment(target, task),
        # A node gets what it asked for, whoever else is on the machine.
        "resources": {"requests": _amounts(node.resources), "limits": _amounts(node.resources)},
    }
    if node.secrets:
        container["secrets"] = secrets(node, target)
    return container


def environment(target: Target, task: str = "") -> dict[str, str]:
    """Return the variables of a node's container; *task* as for ``specification``."""
    return {
        **dict(sorted(target.env.items())),
        "MLOPS_MODE": "snowflake",
        "MLOPS_TARGET": target.name,
        **({VARIABLE: target.environment.text} if target.environment else {}),
        **({"MLOPS_TASK": task} if task else {}),
        "PYTHONUNBUFFERED": "1",
        "SNOWFLAKE_WAREHOUSE": target.warehouse,
    }


def secrets(node: NodeSpec, target: Target) -> list[dict[str, str]]:
    """Return where a node's container finds its secrets.

    As files, not variables: files follow a rotated secret, and a spec shows its variables.
    """
    return [
        {
            "snowflakeSecret": name(names.secret(target, secret)),
            "directoryPath": f"{names.SECRETS}/{name(secret)}",
        }
        for secret in sorted(node.secrets)
    ]


def ways_out(node: NodeSpec, target: Target) -> list[str]:
    """Return the integrations that a node reaches the internet by."""
    return [name(names.integration(target, each)) for each in sorted(node.external_access)]


def _amounts(resources: Resources) -> dict[str, Any]:
    return {"memory": memory(resources.memory_bytes), "cpu": processors(resources.cpu_millis)}


def memory(count: int) -> str:
    """Return *count* bytes as Snowflake takes them, never less: ``2Gi``, ``1500M``."""
    for unit, factor in _UNITS:
        if count % factor == 0:
            return f"{count // factor}{unit}"
    return f"{ceil(count / 2**20)}Mi"


def processors(millis: int) -> int | str:
    """Return thousandths of a processor as Snowflake takes them: ``2``, ``500m``."""
    return millis // 1000 if millis % 1000 == 0 else f"{millis}m"


def statement(node: NodeSpec, target: Target, tag: str = "") -> str:
    """Return the body of a node's task: its job, run to its end, with a name of Snowflake's.

    A job without a name of ours can be run again at once, and a task waits for a synchronous one.

    Raises:
        SettingsError: a value would end the specification in SQL.
    """
    pool = target.pools[node.resources.pool_size].name
    task = names.node_task(node.name)
    spec = yaml_text.dump(specification(node, target, tag, task=task))
    lines = [
        "EXECUTE JOB SERVICE",
        f"  IN COMPUTE POOL {name(pool)}",
        # The order of the page's examples; its grammar has the specification second.
        f"  QUERY_WAREHOUSE = {name(target.warehouse)}",
        f"  COMMENT = {literal(f'node={node.name}')}",
    ]
    if node.external_access:
        lines.append(f"  EXTERNAL_ACCESS_INTEGRATIONS = ({', '.join(ways_out(node, target))})")
    quoted = dollar("\n" + spec, f"the job of node {node.name!r}")
    lines.append(f"  FROM SPECIFICATION {quoted}")
    return "\n".join(lines)
