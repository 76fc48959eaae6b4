"""Where traces and metrics go: as the standard variables say, or ``telemetry`` of ``mlops.yml``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

OFF = "off"
OTLP = "otlp"
EVENT_TABLE = "event-table"
"""The collector that Snowflake runs beside a container, which writes to the event table."""

_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)


class Destination(NamedTuple):
    """One place that telemetry is sent to."""

    kind: Literal["http", "grpc", "file"]
    address: str = ""
    """Base address of the collector, or path of the file; empty: as the variables say."""
    asked: bool = True
    """Whether the project itself asks for it; else only the environment does."""

    @property
    def words(self) -> str:
        """What a person is told."""
        named = (os.environ.get(name, "") for name in _ENDPOINTS)
        return self.address or next(filter(None, named), "the collector on this machine")


def destination(
    setting: str, root: Path, environ: Mapping[str, str], *, inside: bool = False
) -> Destination | None:
    """Return where to send; none where nobody asks for it.

    Args:
        setting: ``telemetry`` of ``mlops.yml``; empty: the variables decide.
        root: the project, which a file's path is relative to.
        environ: the variables. An endpoint in them wins over the setting.
        inside: whether this is a container of an account. There the platform sets endpoints of its
            own for every container, so variables count only where the setting asks.
    """
    if setting == OFF or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    by_variables = any(environ.get(name) for name in _ENDPOINTS)
    if not setting and (inside or not by_variables):
        return None
    if setting == EVENT_TABLE and not by_variables:
        return None
    kind: Literal["http", "grpc"] = "grpc" if _protocol(setting, environ) == "grpc" else "http"
    if setting in ("", OTLP, EVENT_TABLE) or (by_variables and not inside):
        return Destination(kind, asked=bool(setting))
    if setting.startswith(("http://", "https://")):
        return Destination(kind, setting.rstrip("/"))
    return Destination("file", str(root / setting))


def _protocol(setting: str, environ: Mapping[str, str]) -> str:
    given = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", ""
    )
    # What Snowflake shows for containers are the clients of gRPC.
    return given or ("grpc" if setting == EVENT_TABLE else "http/protobuf")
