"""What runs a node on several machines: an ML Job of the account, asked for without one.

The statement itself is not written here: the function that it calls is undocumented, so Snowflake's
own ``MLJobDefinition`` writes it, in ``places/snowflake/ml_job_bodies.py``.

Source: Snowflake, "Snowflake ML Jobs", "Multi-node clusters on Container Runtime"; snowflake-ml
2.6, ``MLJobDefinition.register`` (its arguments).
"""

from __future__ import annotations

from typing import Any

import msgspec

from sf_ml_framework.errors import Fault, ManifestError
from sf_ml_framework.manifest.model import Manifest, NodeSpec
from sf_ml_framework.plan import jobs, names
from sf_ml_framework.plan.quoting import dollar, literal, name
from sf_ml_framework.targets import Target

REQUIREMENTS = (
    "ibis-framework[snowflake]>=12,<13",
    "jinja2>=3.1.6,<4",
    "msgspec>=0.22,<0.23",
    "python-dotenv>=1.2,<2",
    "pyyaml>=6.0.3,<7",
    "snowflake-connector-python[pandas]>=4.8.1,<5",
    "snowflake-core>=1.13,<1.14",
    "snowflake-ml-python>=2.6,<3",
    "snowflake-snowpark-python>=1.56,<2",
)
"""What the framework itself imports in a container of an account, and the runtime may lack.

NumPy, pandas and Arrow are not among them: the runtime's own are what its Ray and its XGBoost were
built with.
"""

FOLDER = "ml_jobs"
"""Where on the target's stage the payloads stand."""

ENTRY = "run_node.py"
"""The program of a payload."""


class MlJob(msgspec.Struct, frozen=True, kw_only=True):
    """What the job of one node is asked for; where its payload stands is known at a deployment."""

    node: str
    name: str
    """Names of its jobs begin with it."""
    database: str
    schema: str
    pool: str
    instances: int
    args: tuple[str, ...]
    env: dict[str, str]
    secrets: tuple[dict[str, str], ...]
    integrations: tuple[str, ...]
    repositories: tuple[str, ...]
    requirements: tuple[str, ...]
    warehouse: str
    runtime: str
    """Empty: the newest that has the Python of whoever deploys."""
    comment: str

    @property
    def overrides(self) -> dict[str, Any]:
        """What the specification that the account writes is to have beside; secrets alone may."""
        if not self.secrets:
            return {}
        container = {"name": names.CONTAINER, "secrets": list(self.secrets)}
        return {"spec": {"containers": [container]}}


def wanted(manifest: Manifest, target: Target) -> tuple[MlJob, ...]:
    """Return the ML Jobs of the nodes that ask for more than one machine.

    Raises:
        ManifestError: a pool has fewer machines than a node asks for.
    """
    scaled = [node for node in manifest.nodes if node.resources.target_instances > 1]
    faults = [_fault(node, target) for node in scaled if _most(node, target) < _count(node)]
    if faults:
        raise ManifestError(faults)
    return tuple(_job(node, target) for node in scaled)


def _count(node: NodeSpec) -> int:
    return node.resources.target_instances


def _most(node: NodeSpec, target: Target) -> int:
    return target.pools[node.resources.pool_size].max_nodes


def _fault(node: NodeSpec, target: Target) -> Fault:
    size = node.resources.pool_size
    return Fault(
        message=f"node {node.name!r} asks for {_count(node)} instances, and pool"
        f" {target.pools[size].name} has at most {_most(node, target)} machines",
        remedy=f"set pools.{size}.max_nodes of target {target.name} to {_count(node)} or more",
        place=node.place,
    )


def _job(node: NodeSpec, target: Target) -> MlJob:
    asked = target.ml_jobs
    return MlJob(
        node=node.name,
        name=name(node.name.upper()),
        database=name(target.database),
        schema=name(target.schema),
        pool=name(target.pools[node.resources.pool_size].name),
        instances=_count(node),
        args=("--node", node.name),
        env=jobs.environment(target, names.node_task(node.name)),
        secrets=tuple(jobs.secrets(node, target)),
        integrations=tuple(jobs.ways_out(node, target)),
        repositories=(asked.package_repository,) if asked.package_repository else (),
        requirements=tuple(sorted({*REQUIREMENTS, *asked.requirements})),
        warehouse=name(target.warehouse),
        runtime=asked.runtime,
        comment=f"node={node.name}",
    )


def payload_root(target: Target) -> str:
    """Return where on the target's stage all payloads stand."""
    return f"@{name(names.within(target, target.stage))}/{FOLDER}"


def undeployed(manifest: Manifest, target: Target) -> dict[str, str]:
    """Return for each such node what its task does until a deployment has written its statement.

    It fails, and says why: a graph that was made from the compiled script is whole but for that.

    Raises:
        ManifestError: as of ``wanted``.
    """
    return {job.node: _undeployed(job) for job in wanted(manifest, target)}


def _undeployed(job: MlJob) -> str:
    why = literal(
        f"node {job.node} runs as an ML Job on {job.instances} machines,"
        " and `mlops deploy` writes its statement"
    )
    block = (
        f"\nDECLARE\n  not_deployed EXCEPTION (-20002, {why});\n"
        "BEGIN\n  RAISE not_deployed;\nEND;\n"
    )
    return f"EXECUTE IMMEDIATE {dollar(block, f'the task of node {job.node!r}')}"


def document(job: MlJob, target: Target) -> dict[str, Any]:
    """Return the arguments of ``MLJobDefinition.register`` that are known before a deployment."""
    found: dict[str, Any] = {
        "name": job.name,
        "database": job.database,
        "schema": job.schema,
        "compute_pool": job.pool,
        "target_instances": job.instances,
        "min_instances": job.instances,
        "stage_name": f"{payload_root(target)}/<content>",
        "entrypoint": ENTRY,
        "args": list(job.args),
        "env_vars": job.env,
        "pip_requirements": list(job.requirements),
        "artifact_repositories": list(job.repositories),
        "external_access_integrations": list(job.integrations),
        "spec_overrides": job.overrides,
        "query_warehouse": job.warehouse,
        "runtime_environment": job.runtime or "<newest>",
        "comment": job.comment,
    }
    return {"mlJobDefinition": {key: value for key, value in found.items() if value}}


def note(job: MlJob) -> str:
    """Return the comment above ``document``: what it is, and what is not in it yet."""
    lines = [
        f"Node {job.node}, in compute pool {job.pool}, on {job.instances} machines: an ML Job, and",
        "no job of one container. These are the arguments of snowflake.ml.jobs.MLJobDefinition,",
        "which writes the statement of the task. `mlops deploy` fills in:",
        "  <content>  the hash of the code, which it uploads there",
    ]
    if not job.runtime:
        lines.append(
            "  <newest>   the newest Container Runtime that has the Python of who deploys;"
        )
        lines.append("             ml_jobs.runtime of the target names one that stays")
    return "".join(f"# {line}\n" for line in lines)


def is_scaled(node: NodeSpec) -> bool:
    """Say whether *node* runs as an ML Job."""
    return _count(node) > 1
