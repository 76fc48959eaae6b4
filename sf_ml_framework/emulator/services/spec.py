"""Service specifications: YAML text to a frozen value.

Source: Snowflake, "Service specification reference". Templates: "EXECUTE JOB SERVICE" (USING).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from .families import GIB
from .pooling import Demand
from .shape import CAPABILITIES, ROLES, SPEC, bad_spec, cores, size

_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_VARIABLE = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\|\s*default\s*\((.*)\)\s*)?", re.DOTALL)
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9]*")
DEFAULT_CPU = 0.5
DEFAULT_MEMORY = GIB // 2
"""What a container asks for when it does not say. Source: the reference, ``resources``."""


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A secret in a container: as variable *variable* (its part *key*), or files in *directory*."""

    name: str
    key: str
    variable: str
    directory: str


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume: *stage* is where a stage volume is, empty for others."""

    name: str
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a specification; *mounts* are pairs of a volume's name and a path."""

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: dict[str, str]
    mounts: tuple[tuple[str, str], ...]
    secrets: tuple[SecretUse, ...]
    request: Demand
    limit: Demand
    token: bool = True


@dataclass(frozen=True, slots=True)
class Spec:
    """A valid specification; ``text`` is as it was given."""

    text: str
    containers: tuple[Container, ...]
    volumes: dict[str, Volume]
    endpoints: tuple[dict[str, Any], ...]
    log_level: str

    @property
    def demand(self) -> Demand:
        """What one instance asks of a node: all its containers together."""
        return Demand(
            sum(c.request.cpu for c in self.containers),
            sum(c.request.memory for c in self.containers),
            sum(c.request.gpus for c in self.containers),
        )


def parse(text: str) -> Spec:
    """Return the specification that *text* holds.

    Raises:
        SnowflakeError: 395018, it is no valid one.
    """
    top = _load(text)
    for key in top:
        if key not in {"spec", "serviceRoles", "capabilities"}:
            raise bad_spec(f"unknown option '{key}'")
    if "spec" not in top:
        raise bad_spec("missing required option 'spec'")
    body = top["spec"]
    SPEC(body, "spec")
    if "serviceRoles" in top:
        ROLES(top["serviceRoles"], "serviceRoles")
    if "capabilities" in top:
        CAPABILITIES(top["capabilities"], "capabilities")
    _consistent(body)
    volumes = {v["name"]: Volume(v["name"], _stage(v)) for v in body.get("volumes") or []}
    exporters = (body.get("logExporters") or {}).get("eventTableConfig") or {}
    return Spec(
        text=text,
        containers=tuple(_container(c, i) for i, c in enumerate(body["containers"])),
        volumes=volumes,
        endpoints=tuple(body.get("endpoints") or []),
        log_level=str(exporters.get("logLevel", "INFO")),
    )


def _load(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise bad_spec(f"the specification is no valid YAML: {first}") from None
    if not isinstance(found, dict):
        raise bad_spec("the specification is empty or no map")
    return found


def _stage(volume: dict[str, Any]) -> str:
    if volume["source"] == "stage":
        return str(volume["stageConfig"]["name"])
    return str(volume["source"]) if volume["source"].startswith("@") else ""


def _consistent(body: dict[str, Any]) -> None:
    for part in ("containers", "volumes", "endpoints"):
        names = [one["name"] for one in body.get(part) or []]
        for name in names:
            if names.count(name) > 1:
                raise bad_spec(f"duplicate name '{name}' in '{part}'")
    volumes = {one["name"] for one in body.get("volumes") or []}
    for index, container in enumerate(body["containers"]):
        paths = []
        for mount in container.get("volumeMounts") or []:
            if mount["name"] not in volumes:
                raise bad_spec(
                    f"volume '{mount['name']}' of 'containers[{index}].volumeMounts' is not defined"
                )
            if not mount["mountPath"].startswith("/"):
                raise bad_spec(f"mountPath '{mount['mountPath']}' must be absolute")
            paths.append(mount["mountPath"])
        if len(set(paths)) < len(paths):
            raise bad_spec(f"duplicate mountPath in 'containers[{index}].volumeMounts'")


def _container(found: dict[str, Any], index: int) -> Container:
    where = f"containers[{index}].resources"
    resources = found.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    gpu = "nvidia.com/gpu"
    if limits.get(gpu) != requests.get(gpu):
        raise bad_spec(f"'{where}': {gpu} must be the same in requests and limits")
    limit = Demand(
        cores(limits["cpu"], f"{where}.limits.cpu") if "cpu" in limits else 0.0,
        size(limits["memory"], f"{where}.limits.memory") if "memory" in limits else 0,
        int(limits.get(gpu, 0)),
    )
    cpu = cores(requests["cpu"], f"{where}.requests.cpu") if "cpu" in requests else None
    memory = size(requests["memory"], f"{where}.requests.memory") if "memory" in requests else None
    request = Demand(
        cpu if cpu is not None else min(limit.cpu or DEFAULT_CPU, DEFAULT_CPU),
        memory if memory is not None else min(limit.memory or DEFAULT_MEMORY, DEFAULT_MEMORY),
        int(requests.get(gpu, 0)),
    )
    for name, asked, most in (
        ("cpu", request.cpu, limit.cpu),
        ("memory", request.memory, limit.memory),
    ):
        if most and asked > most:
            raise bad_spec(f"'{where}': the request of {name} is greater than its limit")
    return Container(
        name=found["name"],
        image=found["image"],
        command=tuple(_word(part) for part in found.get("command") or []),
        args=tuple(_word(part) for part in found.get("args") or []),
        env={key: _word(value) for key, value in (found.get("env") or {}).items()},
        mounts=tuple((m["name"], m["mountPath"]) for m in found.get("volumeMounts") or []),
        secrets=tuple(_secret(one) for one in found.get("secrets") or []),
        request=request,
        limit=limit,
        token=bool(found.get("mountSessionToken", True)),
    )


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _secret(found: dict[str, Any]) -> SecretUse:
    name = found["snowflakeSecret"]
    if isinstance(name, dict):
        name = name.get("objectName") or name["objectReference"]
    return SecretUse(
        str(name),
        str(found.get("secretKeyRef", "")),
        str(found.get("envVarName", "")),
        str(found.get("directoryPath", "")),
    )


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Return a specification template with its variables replaced.

    Raises:
        SnowflakeError: a variable has no value, or a value is neither alphanumeric nor JSON.
    """
    for key, value in values.items():
        _value(key, value)

    def one(match: re.Match[str]) -> str:
        inside = _VARIABLE.fullmatch(match[1])
        if inside is None:
            raise bad_spec(f"the template expression '{{{{{match[1]}}}}}' is not known")
        name, default = inside[1], inside[2]
        if name in values:
            return _value(name, values[name])
        if default is None:
            raise bad_spec(f"no value for template variable '{name}'")
        return default.strip().strip("'\"")

    return _PLACE.sub(one, template)


def _value(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if _PLAIN_VALUE.fullmatch(text):
        return text
    try:
        found = json.loads(text)
    except ValueError:
        raise bad_spec(
            f"the value of template variable '{key}' must be alphanumeric or valid JSON"
        ) from None
    return found if isinstance(found, str) else json.dumps(found)
