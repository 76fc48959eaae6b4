"""What SYSTEM$DEPLOY_MODEL and EXECUTE INFERENCE JOB SERVICE are given: YAML to frozen values.

Source: snowflake-ml 2.6, ``model_deployment_spec_schema.py``, ``batch_inference_job_specs.py`` and
``inference_job_service_spec.py``; neither format is documented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from ..faults import invalid, unsupported

_SERVICE = {"name", "compute_pool", "ingress_enabled", "min_instances", "max_instances", "cpu"}
_SERVICE |= {"memory", "gpu", "num_workers", "max_batch_rows", "autocapture"}
_UNKNOWN = ("inference_engine_spec", "feature_retrieval", "adapters")
_BUILD = {"compute_pool", "image_repo", "force_rebuild", "external_access_integrations"}
_RESOURCES = {"cpu_requests", "memory_requests", "gpu_requests"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a container asks for, as it was written; None is what the node has."""

    cpu: str | None = None
    memory: str | None = None
    gpu: str | None = None

    def lines(self) -> dict[str, Any]:
        """Return the part ``resources`` of a specification; empty when nothing is asked for."""
        pairs = (("cpu", self.cpu), ("memory", self.memory), ("nvidia.com/gpu", self.gpu))
        found = {key: value for key, value in pairs if value is not None}
        return {"resources": {"requests": found, "limits": found}} if found else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One model version that becomes a service."""

    model: str
    version: str
    service: str
    pool: str
    build_pool: str
    repository: str | None
    rebuild: bool
    integrations: tuple[str, ...]
    public: bool
    instances: int
    autocapture: bool
    resources: Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a batch job reads and writes, besides what the statement itself says."""

    output: str
    overwrite: bool
    partition: str | None
    params: dict[str, Any]
    resources: Resources


def deployment(text: str) -> Deployment:
    """Return what a deployment's YAML asks for.

    Raises:
        SnowflakeError: it is none, or asks for what this emulator does not run.
    """
    found = _map(text, {"models", "image_build", "service", "model_loggings"})
    if found.get("model_loggings"):
        raise unsupported("logging a Hugging Face model as part of its deployment.")
    service = found.get("service") or {}
    for key in _UNKNOWN:
        if service.get(key):
            raise unsupported(f"'{key}' of a model's service.")
    _only(service, _SERVICE | set(_UNKNOWN), "service")
    build = found.get("image_build") or {}
    _only(build, _BUILD, "image_build")
    models = found.get("models") or []
    if len(models) != 1 or not {"name", "compute_pool"} <= set(service):
        raise invalid("a deployment names one model, a service and its compute pool")
    low, high = int(service.get("min_instances", 0)), int(service.get("max_instances", 1))
    if low > high:
        raise invalid("min_instances must not be greater than max_instances")
    return Deployment(
        model=str(models[0]["name"]),
        version=str(models[0]["version"]),
        service=str(service["name"]),
        pool=str(service["compute_pool"]),
        build_pool=str(build.get("compute_pool") or service["compute_pool"]),
        repository=build.get("image_repo"),
        rebuild=bool(build.get("force_rebuild")),
        integrations=tuple(build.get("external_access_integrations") or ()),
        public=bool(service.get("ingress_enabled")),
        # With 0 a service sleeps when idle; here it stays awake with one.
        instances=max(1, low),
        autocapture=bool(service.get("autocapture")),
        resources=Resources(
            cpu=service.get("cpu"), memory=service.get("memory"), gpu=service.get("gpu")
        ),
    )


def batch(text: str) -> Batch:
    """Return what a batch job's YAML asks for.

    Raises:
        SnowflakeError: it is none, or asks for what this emulator does not run.
    """
    found = _map(text, {"input", "output", "resources", "inference", "image_build"})
    output, given = found.get("output") or {}, found.get("input") or {}
    _only(output, {"stage_location", "mode"}, "output")
    _only(given, {"params", "column_handling", "partition_column", "layout"}, "input")
    if given.get("column_handling"):
        raise unsupported("'column_handling' of a batch inference job.")
    inference = found.get("inference") or {}
    for key in ("engine_options", "adapters"):
        if inference.get(key):
            raise unsupported(f"'{key}' of a batch inference job.")
    resources = found.get("resources") or {}
    _only(resources, _RESOURCES, "resources")
    mode = str(output.get("mode", "error")).lower()
    if "stage_location" not in output or mode not in {"error", "overwrite"}:
        raise invalid("'output' needs a stage_location, and a mode of error or overwrite")
    return Batch(
        output=str(output["stage_location"]),
        overwrite=mode == "overwrite",
        partition=given.get("partition_column"),
        params=dict(given.get("params") or {}),
        resources=Resources(
            cpu=resources.get("cpu_requests"),
            memory=resources.get("memory_requests"),
            gpu=resources.get("gpu_requests"),
        ),
    )


def _map(text: str, known: set[str]) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise invalid(f"the specification is no valid YAML: {error}") from None
    if not isinstance(found, dict):
        raise invalid("the specification is empty or no map")
    _only(found, known, "the specification")
    return found


def _only(found: Any, known: set[str], where: str) -> None:
    if not isinstance(found, dict):
        raise invalid(f"'{where}' is no map")
    if unknown := set(found) - known:
        raise invalid(f"unknown option '{min(unknown)}' in {where}")
