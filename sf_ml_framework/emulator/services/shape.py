"""The shape of a service specification: which fields there are, and what each may hold.

Source: Snowflake, "Service specification reference". A field that it does not name is refused, in
Snowflake's words: ``Invalid spec: unknown option 'x' for 'containers[0]'``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..faults import SnowflakeError

Check = Callable[[Any, str], None]
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|K|M|G|T)")
_UNITS = {"K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
_UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("KMGT", start=1)}
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def bad_spec(message: str) -> SnowflakeError:
    """Return 395018."""
    return SnowflakeError(f"Invalid spec: {message}.", number=395018, state="22023")


def size(text: Any, where: str) -> int:
    """Return an amount of memory in bytes; the unit is required."""
    match = _SIZE.fullmatch(str(text))
    if match is None:
        raise bad_spec(f"invalid value '{text}' for '{where}': expected a number with a unit")
    return int(float(match[1]) * _UNITS[match[2]])


def cores(value: Any, where: str) -> float:
    """Return an amount of CPU, ``0.5`` or ``500m``, in cores."""
    text = str(value)
    try:
        found = float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    except ValueError:
        found = -1.0
    if isinstance(value, bool) or not 0 < found < 1e6:
        raise bad_spec(f"invalid value '{value}' for '{where}'")
    return found


def memory(value: Any, where: str) -> None:
    """Accept an amount of memory."""
    size(value, where)


def processors(value: Any, where: str) -> None:
    """Accept an amount of CPU."""
    cores(value, where)


def text(value: Any, where: str) -> None:
    """Accept a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise bad_spec(f"invalid value '{value}' for '{where}': expected a string")


def scalar(value: Any, where: str) -> None:
    """Accept a string, number or boolean."""
    if not isinstance(value, str | int | float | bool):
        raise bad_spec(f"invalid value '{value}' for '{where}': expected a scalar")


def whole(lowest: int, highest: int) -> Check:
    """Accept a whole number of a range."""

    def check(value: Any, where: str) -> None:
        if type(value) is not int or not lowest <= value <= highest:
            raise bad_spec(f"invalid value '{value}' for '{where}'")

    return check


def boolean(value: Any, where: str) -> None:
    """Accept true or false."""
    if not isinstance(value, bool):
        raise bad_spec(f"invalid value '{value}' for '{where}': expected true or false")


def label(value: Any, where: str) -> None:
    """Accept the name of a container, volume or endpoint."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise bad_spec(
            f"invalid value '{value}' for '{where}': at most 63 lower-case letters, digits and '-',"
            " starting with a letter and ending with a letter or digit"
        )


def one_of(*allowed: str) -> Check:
    """Accept one of some words."""

    def check(value: Any, where: str) -> None:
        if str(value) not in allowed:
            raise bad_spec(
                f"invalid value '{value}' for '{where}': expected one of {', '.join(allowed)}"
            )

    return check


def many(inner: Check, highest: int = 1000, *, least: int = 0) -> Check:
    """Accept a list."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, list):
            raise bad_spec(f"invalid value for '{where}': expected a list")
        if not least <= len(value) <= highest:
            raise bad_spec(f"'{where}' takes {least} to {highest} entries, found {len(value)}")
        for index, one in enumerate(value):
            inner(one, f"{where}[{index}]")

    return check


def record(fields: dict[str, Check], required: tuple[str, ...] = ()) -> Check:
    """Accept a map of known fields."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise bad_spec(f"invalid value for '{where}': expected a map")
        for key in value:
            if key not in fields:
                raise bad_spec(f"unknown option '{key}' for '{where}'")
        for key in required:
            if value.get(key) is None:
                raise bad_spec(f"missing required option '{key}' for '{where}'")
        for key, one in value.items():
            inside = key if where == "spec" else f"{where}.{key}"
            fields[key](one, inside)

    return check


def environment(value: Any, where: str) -> None:
    """Accept a map of variables."""
    if not isinstance(value, dict):
        raise bad_spec(f"invalid value for '{where}': expected a map")
    for key, one in value.items():
        if not isinstance(key, str) or not _ENV.fullmatch(key):
            raise bad_spec(f"invalid name '{key}' in '{where}'")
        scalar(one, f"{where}.{key}")


def anything(value: Any, where: str) -> None:
    """Accept any value of a field that has no effect here."""


_PROBE = record(
    {
        "port": whole(1, 65535),
        "path": text,
        "periodSeconds": whole(1, 86400),
        "failureThreshold": whole(1, 1000),
    },
    ("port", "path"),
)
_AMOUNTS = record(
    {
        "memory": memory,
        "cpu": processors,
        "nvidia.com/gpu": whole(1, 64),
    }
)


def _secret_name(value: Any, where: str) -> None:
    if isinstance(value, dict):
        record({"objectName": text, "objectReference": text})(value, where)
        if len(value) != 1:
            raise bad_spec(f"'{where}' takes one of objectName, objectReference")
        return
    text(value, where)


_SECRET_FIELDS = record(
    {
        "snowflakeSecret": _secret_name,
        "secretKeyRef": one_of("username", "password", "secret_string", "access_token"),
        "envVarName": text,
        "directoryPath": text,
    },
    ("snowflakeSecret",),
)


def _secret(value: Any, where: str) -> None:
    _SECRET_FIELDS(value, where)
    if ("envVarName" in value) == ("directoryPath" in value):
        raise bad_spec(f"'{where}' takes one of envVarName, directoryPath")
    if ("secretKeyRef" in value) != ("envVarName" in value):
        raise bad_spec(f"'{where}' takes secretKeyRef with envVarName, and only with it")


_CONTAINER = record(
    {
        "name": label,
        "image": text,
        "command": many(scalar),
        "args": many(scalar),
        "env": environment,
        "readinessProbe": _PROBE,
        "livenessProbe": _PROBE,
        "volumeMounts": many(record({"name": label, "mountPath": text}, ("name", "mountPath"))),
        "resources": record({"requests": _AMOUNTS, "limits": _AMOUNTS}),
        "secrets": many(_secret, 50),
        "mountSessionToken": boolean,
        "sessionTokenConfig": record(
            {"path": text, "permission": scalar, "mountConnectionConfig": boolean}
        ),
    },
    ("name", "image"),
)
_ENDPOINT_FIELDS = record(
    {
        "name": label,
        "port": whole(1, 65535),
        "portRange": text,
        "public": boolean,
        "protocol": one_of("TCP", "HTTP", "HTTPS"),
        "corsSettings": anything,
    },
    ("name",),
)


def _endpoint(value: Any, where: str) -> None:
    _ENDPOINT_FIELDS(value, where)
    if ("port" in value) == ("portRange" in value):
        raise bad_spec(f"'{where}' takes one of port, portRange")


_VOLUME_FIELDS = record(
    {
        "name": label,
        "source": text,
        "size": memory,
        "blockConfig": anything,
        "stageConfig": record(
            {"name": text, "metadataCache": scalar, "resources": anything}, ("name",)
        ),
        "uid": whole(0, 2**31),
        "gid": whole(0, 2**31),
    },
    ("name", "source"),
)


def _volume(value: Any, where: str) -> None:
    _VOLUME_FIELDS(value, where)
    source = value["source"]
    if not source.startswith("@") and source not in {"local", "memory", "block", "stage"}:
        raise bad_spec(f"invalid value '{source}' for '{where}.source'")
    if source in {"memory", "block"} and "size" not in value:
        raise bad_spec(f"missing required option 'size' for '{where}'")
    if (source == "stage") != ("stageConfig" in value):
        raise bad_spec(f"'{where}' takes stageConfig with source stage, and only with it")


_GROUPS = ("system", "system_limits", "status", "network", "storage")
SPEC = record(
    {
        "containers": many(_CONTAINER, 20, least=1),
        "endpoints": many(_endpoint, 100),
        "volumes": many(_volume, 20),
        "logExporters": record(
            {"eventTableConfig": record({"logLevel": one_of("INFO", "ERROR", "NONE")})}
        ),
        "platformMonitor": record(
            {"metricConfig": record({"groups": many(one_of(*_GROUPS))}, ("groups",))}
        ),
        "resourceManagement": anything,
    },
    ("containers",),
)
ROLES = many(record({"name": text, "endpoints": many(label)}, ("name",)))
CAPABILITIES = record(
    {"securityContext": record({"executeAsCaller": boolean, "enableCustomCredentials": boolean})}
)
