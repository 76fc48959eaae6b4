"""The service specification that an ML job becomes.

Source: snowflake-ml up to 1.26 wrote it itself (``jobs/_utils/spec_utils.py``); since then the
server does. What today's client reads of it is in ``jobs/job.py``: the container ``main`` with its
``env`` and ``volumeMounts``, the volumes ``stage-volume`` and ``result-volume``. The result lies
in ``<stage path>/<job name>/mljob_result`` (``scripts/mljob_launcher.py``).
"""

from __future__ import annotations

from math import ceil
from typing import Any

import yaml

from ..services.families import Family
from ..services.shape import bad_spec
from .options import JobOptions, SpecOptions

MAIN = "main"
STAGE, RESULT = "stage-volume", "result-volume"
STAGE_MOUNT, RESULT_MOUNT = "/mnt/job_stage", "/mnt/job_result"
_MEMORY_SHARE = 0.3
_PORTS = {
    "HEAD_CLIENT_SERVER_PORT": 10001,
    "HEAD_GCS_PORT": 12001,
    "HEAD_DASHBOARD_GRPC_PORT": 12002,
    "HEAD_DASHBOARD_PORT": 12003,
    "OBJECT_MANAGER_PORT": 12011,
    "NODE_MANAGER_PORT": 12012,
    "RUNTIME_ENV_AGENT_PORT": 12013,
    "DASHBOARD_AGENT_GRPC_PORT": 12014,
}
_ENDPOINTS = (
    ("ray-client-server-endpoint", "HEAD_CLIENT_SERVER_PORT"),
    ("ray-gcs-endpoint", "HEAD_GCS_PORT"),
    ("ray-dashboard-grpc-endpoint", "HEAD_DASHBOARD_GRPC_PORT"),
    ("ray-dashboard-endpoint", "HEAD_DASHBOARD_PORT"),
    ("ray-object-manager-endpoint", "OBJECT_MANAGER_PORT"),
    ("ray-node-manager-endpoint", "NODE_MANAGER_PORT"),
    ("ray-runtime-agent-endpoint", "RUNTIME_ENV_AGENT_PORT"),
    ("ray-dashboard-agent-grpc-endpoint", "DASHBOARD_AGENT_GRPC_PORT"),
)
_RANGES = (("ephemeral-port-range", "32768-60999"), ("ray-worker-port-range", "12031-13000"))


def specification(name: str, family: Family, image: str, spec: SpecOptions, job: JobOptions) -> str:
    """Return the YAML of the job *name*, each of whose instances takes a whole node.

    Raises:
        SnowflakeError: the overrides change what holds the job's payload or result.
    """
    body: dict[str, Any] = {
        "containers": [_container(family, image, spec, job)],
        "volumes": _volumes(name, family, spec.stage_path),
    }
    if job.target > 1:
        body["resourceManagement"] = {"controlPolicy": {"startupOrder": {"type": "FirstInstance"}}}
        body["endpoints"] = _endpoints()
    if spec.metrics:
        groups = ["system", "status", "network", "storage"]
        body["platformMonitor"] = {"metricConfig": {"groups": groups}}
    whole = {"spec": body}
    if spec.overrides:
        _refuse_volumes(spec.overrides)
        whole = patched(whole, spec.overrides)
    return yaml.safe_dump(whole, sort_keys=False)


def _container(family: Family, image: str, spec: SpecOptions, job: JobOptions) -> dict[str, Any]:
    amounts: dict[str, Any] = {
        "cpu": f"{int(family.cpu * 1000)}m",
        "memory": f"{family.memory_gib}Gi",
    }
    if family.gpus:
        amounts["nvidia.com/gpu"] = family.gpus
    env = {
        **spec.env,
        "MLRS_STAGE_RESULT_PATH": RESULT_MOUNT,
        "MLRS_RESULT_PATH": "mljob_result",
    }
    if job.target > 1:
        env |= {key: str(port) for key, port in _PORTS.items()}
        env |= {"ENABLE_HEALTH_CHECKS": "false", "MLRS_MIN_INSTANCES": str(job.least)}
    return {
        "name": MAIN,
        "image": image,
        "args": list(spec.args),
        "env": env,
        "volumeMounts": [
            {"name": "dshm", "mountPath": "/dev/shm"},  # noqa: S108 - a path of the container
            {"name": STAGE, "mountPath": STAGE_MOUNT},
            {"name": RESULT, "mountPath": RESULT_MOUNT},
        ],
        "resources": {"requests": dict(amounts), "limits": dict(amounts)},
    }


def _volumes(name: str, family: Family, stage_path: str) -> list[dict[str, Any]]:
    memory = min(ceil(family.memory_gib * _MEMORY_SHARE), family.memory_gib)
    return [
        {"name": "dshm", "source": "memory", "size": f"{memory}Gi"},
        {"name": STAGE, "source": "stage", "stageConfig": {"name": stage_path}},
        {"name": RESULT, "source": "stage", "stageConfig": {"name": f"{stage_path}/{name}"}},
    ]


def _endpoints() -> list[dict[str, Any]]:
    single = [{"name": name, "port": _PORTS[port], "protocol": "TCP"} for name, port in _ENDPOINTS]
    return single + [
        {"name": name, "portRange": ports, "protocol": "TCP"} for name, ports in _RANGES
    ]


def _refuse_volumes(overrides: dict[str, Any]) -> None:
    """Refuse overrides of the volumes whose stages ``delete_job`` removes, as the client does."""
    body = overrides.get("spec")
    volumes = body.get("volumes") if isinstance(body, dict) else None
    for volume in volumes if isinstance(volumes, list) else []:
        if isinstance(volume, dict) and volume.get("name") in {STAGE, RESULT}:
            raise bad_spec(f"the volume '{volume['name']}' of an ML job cannot be overridden")


def patched(base: Any, patch: Any) -> Any:
    """Return *base* with *patch* laid over it; lists of maps are joined by their ``name``.

    Source: snowflake-ml 1.26, ``spec_utils.merge_patch``: RFC 7386 with that one difference.
    """
    if isinstance(base, dict) and isinstance(patch, dict):
        merged = {
            key: value if key not in patch else patched(value, patch[key])
            for key, value in base.items()
        }
        merged |= {key: value for key, value in patch.items() if key not in base}
        return {key: value for key, value in merged.items() if value is not None}
    if isinstance(base, list) and isinstance(patch, list) and _named([*base, *patch]):
        joined = {one["name"]: one for one in base}
        for one in patch:
            joined[one["name"]] = patched(joined.get(one["name"], {}), one)
        return list(joined.values())
    return patch


def _named(items: list[Any]) -> bool:
    return all(isinstance(one, dict) and "name" in one for one in items)
