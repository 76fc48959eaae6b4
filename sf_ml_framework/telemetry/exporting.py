"""Sends spans and metrics by OpenTelemetry's own SDK; the only file that imports it.

Source: OpenTelemetry, "OTLP exporter configuration", "OpenTelemetry Protocol File Exporter".
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sf_ml_framework.run.records import NodeRun
from sf_ml_framework.telemetry.destination import Destination
from sf_ml_framework.telemetry.spans import Span, attributes_of

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

LAST_SECONDS = 3.0
"""How long the end of a run waits for what is not yet sent."""
AFTER_TROUBLE_SECONDS = 0.5
"""The same where sending has failed already."""
SCOPE = "sf_ml_framework"
_DIMENSIONS = ("mlops.project", "mlops.node", "mlops.node.status", "mlops.target")
"""Attributes of metrics: few values each, so no run ids."""


class Exporting:
    """Sends while a run goes on, from a thread of its own; closed by whoever made it.

    Raises:
        ImportError: the SDK, or the exporter for the protocol, is not installed.
    """

    def __init__(self, where: Destination, project: str, version: str) -> None:
        self._where = where
        self._troubles = _Troubles()
        self._ids = _ids()
        self._provider = _tracer_provider(where, _resource(project, version), self._ids)
        self._meters = _Meters(where, _resource(project, version))

    def span(self, span: Span) -> None:
        """Send a span, soon; returns at once."""
        from opentelemetry import trace
        from opentelemetry.trace import (
            NonRecordingSpan,
            SpanContext,
            Status,
            StatusCode,
            TraceFlags,
        )

        self._ids.trace, self._ids.span = span.trace, span.span
        context = trace.set_span_in_context(trace.INVALID_SPAN)
        if span.parent:
            flags = TraceFlags(TraceFlags.SAMPLED if span.sampled else TraceFlags.DEFAULT)
            above = SpanContext(span.trace, span.parent, is_remote=True, trace_flags=flags)
            context = trace.set_span_in_context(NonRecordingSpan(above))
        made = self._provider.get_tracer(SCOPE).start_span(
            span.name, context=context, attributes=span.attributes, start_time=span.start
        )
        for event in span.events:
            made.add_event(event.name, event.attributes, timestamp=event.at)
        if span.error:
            made.set_status(Status(StatusCode.ERROR, span.error))
        made.end(end_time=span.end)

    def node(self, node: NodeRun, project: str, target: str = "") -> None:
        """Count a node that ended."""
        said = attributes_of(node, project, target)
        self._meters.count(node, {name: said[name] for name in _DIMENSIONS if name in said})

    def close(self) -> str:
        """Send what is left, for some seconds at most; return why it could not be sent, if so."""
        enders = [
            threading.Thread(target=end, daemon=True)
            for end in (self._provider.shutdown, self._meters.shutdown)
        ]
        began = time.monotonic()
        for ender in enders:
            ender.start()
        while late := any(ender.is_alive() for ender in enders):
            # What fails is tried again by the SDK, a little of which is waited for.
            most = LAST_SECONDS if not self._troubles.first else AFTER_TROUBLE_SECONDS
            if time.monotonic() - began > most:
                break
            enders[0 if enders[0].is_alive() else -1].join(0.05)
        why = self._troubles.close()
        if late and not why:
            why = f"it did not answer within {LAST_SECONDS:g} s"
        return f"telemetry was not sent to {self._where.words}: {why}" if why else ""


class _Troubles(logging.Handler):
    """Keeps what the SDK complains of from the terminal; the first complaint is told at the end."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.first = ""
        self._logger = logging.getLogger("opentelemetry")
        self._propagated = self._logger.propagate
        self._logger.propagate = False
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        said = str(error or record.getMessage()).partition("\n")[0]
        # What lies at the bottom of what urllib3 wraps again and again.
        cause = re.search(r"Failed to establish a new connection: ([^\"')]+)", said)
        self.first = self.first or (cause[1] if cause else said)[:300]

    def close(self) -> str:  # type: ignore[override]
        """Let complaints go where they went before, and return the first."""
        self._logger.removeHandler(self)
        self._logger.propagate = self._propagated
        super().close()
        return self.first


def _ids() -> Any:
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Given(IdGenerator):
        """Gives the ids that the next span is to have."""

        trace = span = 1

        def generate_span_id(self) -> int:
            return self.span

        def generate_trace_id(self) -> int:
            return self.trace

    return Given()


def _resource(project: str, version: str) -> Any:
    from opentelemetry.sdk.resources import Resource

    # The variables win: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES.
    own = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": project}
    return Resource.create({**own, "service.version": version})


def _tracer_provider(where: Destination, resource: Any, ids: Any) -> TracerProvider:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_span_exporter(where)))
    return provider


def _span_exporter(where: Destination) -> SpanExporter:
    match where.kind:
        case "file":
            return _span_file(Path(where.address))
        case "grpc":
            from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as by_grpc

            found: SpanExporter = by_grpc.OTLPSpanExporter(**_grpc(where))
            return found
        case "http":
            from opentelemetry.exporter.otlp.proto.http import trace_exporter as by_http

            return by_http.OTLPSpanExporter(**_http(where, "traces"))


def _metric_exporter(where: Destination) -> MetricExporter:
    match where.kind:
        case "file":
            return _metric_file(Path(where.address))
        case "grpc":
            from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as by_grpc

            found: MetricExporter = by_grpc.OTLPMetricExporter(**_grpc(where))
            return found
        case "http":
            from opentelemetry.exporter.otlp.proto.http import metric_exporter as by_http

            return by_http.OTLPMetricExporter(**_http(where, "metrics"))


def _http(where: Destination, signal: str) -> dict[str, Any]:
    given = {"endpoint": f"{where.address}/v1/{signal}"} if where.address else {}
    timeout = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_TIMEOUT") or os.environ.get(
        "OTEL_EXPORTER_OTLP_TIMEOUT"
    )
    return given if timeout else {**given, "timeout": LAST_SECONDS}


def _grpc(where: Destination) -> dict[str, Any]:
    given: dict[str, Any] = {"endpoint": where.address} if where.address else {}
    # Snowflake's collector stands beside the container and speaks no TLS.
    secure = where.address.startswith("https:") or os.environ.get(
        "OTEL_EXPORTER_OTLP_ENDPOINT", ""
    ).startswith("https:")
    return {**given, "insecure": not secure, "timeout": LAST_SECONDS}


class _Meters:
    """The instruments of a run, read once at its end and once a minute."""

    def __init__(self, where: Destination, resource: Any) -> None:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

        reader = PeriodicExportingMetricReader(_metric_exporter(where))
        self._provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        meter = self._provider.get_meter(SCOPE)
        self._duration = meter.create_histogram(
            "mlops.node.duration", "s", "How long a node ran",
            explicit_bucket_boundaries_advisory=[
                0.1, 0.5, 1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400,
            ],
        )  # fmt: skip
        self._memory = meter.create_histogram(
            "mlops.node.peak_memory", "By", "The most memory that a node took",
            explicit_bucket_boundaries_advisory=[2**power for power in range(26, 38)],
        )  # fmt: skip
        self._rows = meter.create_counter("mlops.node.rows", "{row}", "Rows that nodes wrote")
        self._failures = meter.create_counter("mlops.node.failures", "{node}", "Nodes that failed")
        self._hits = meter.create_counter(
            "mlops.node.cache_hits", "{node}", "Nodes that were skipped, for their results held"
        )

    def count(self, node: NodeRun, attributes: Mapping[str, Any]) -> None:
        rows = sum(saved.rows or 0 for saved in node.outputs)
        if node.status == "skipped":
            self._hits.add(1, attributes)
            return
        if node.status == "failed":
            self._failures.add(1, attributes)
        self._duration.record(node.seconds, attributes)
        if node.peak_memory_bytes:
            self._memory.record(node.peak_memory_bytes, attributes)
        if rows:
            self._rows.add(rows, attributes)

    def shutdown(self) -> None:
        self._provider.shutdown(timeout_millis=LAST_SECONDS * 1000)


_WRITING = threading.Lock()
"""Spans and metrics of one process share the file."""


def _write(file: Path, message: Any) -> None:
    from google.protobuf.json_format import MessageToDict

    document = MessageToDict(message, use_integers_for_enums=True)
    line = json.dumps(_hexed(document), ensure_ascii=False, separators=(",", ":"))
    with _WRITING:
        file.parent.mkdir(parents=True, exist_ok=True)
        # One write of a whole line at the end of the file, so that processes may share it.
        with file.open("ab", buffering=0) as stream:
            stream.write(f"{line}\n".encode())


def _hexed(value: Any) -> Any:
    """Return *value* with ids in hex, as OTLP's JSON has them; protobuf's own has base64."""
    match value:
        case dict():
            return {
                name: base64.b64decode(each).hex()
                if name in ("traceId", "spanId", "parentSpanId")
                else _hexed(each)
                for name, each in value.items()
            }
        case list():
            return [_hexed(each) for each in value]
        case _:
            return value


def _span_file(file: Path) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class SpanFile(SpanExporter):
        """Appends a line of OTLP JSON for each batch."""

        def export(self, spans: Any) -> SpanExportResult:
            _write(file, encode_spans(spans))
            return SpanExportResult.SUCCESS

    return SpanFile()


def _metric_file(file: Path) -> MetricExporter:
    from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult

    class MetricFile(MetricExporter):
        """Appends a line of OTLP JSON for each reading."""

        def export(
            self, metrics_data: Any, timeout_millis: float = 10_000, **_: Any
        ) -> MetricExportResult:
            _write(file, encode_metrics(metrics_data))
            return MetricExportResult.SUCCESS

        def force_flush(self, timeout_millis: float = 10_000) -> bool:
            return True

        def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
            """Nothing is open."""

    return MetricFile()
