"""A collector in this process: takes OTLP over HTTP on loopback, and keeps what it is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """What was sent so far."""

    def __init__(self) -> None:
        self.address = ""
        self.requests: list[Any] = []
        self.resources: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def take(self, path: str, body: bytes) -> None:
        """Decode and keep one request."""
        kind = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}
        request = kind[path]()
        request.ParseFromString(body)
        with self._lock:
            self.requests.append(request)

    @property
    def spans(self) -> list[Any]:
        """Every span that was sent."""
        with self._lock:
            return [
                span
                for request in self.requests
                if isinstance(request, ExportTraceServiceRequest)
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]

    @property
    def metrics(self) -> dict[str, list[Any]]:
        """The points of each metric by its name, those of one process after those of another."""
        found: dict[str, list[Any]] = {}
        with self._lock:
            for request in self.requests:
                if isinstance(request, ExportMetricsServiceRequest):
                    for resource in request.resource_metrics:
                        for scope in resource.scope_metrics:
                            for metric in scope.metrics:
                                points = getattr(metric, metric.WhichOneof("data")).data_points
                                found.setdefault(metric.name, []).extend(points)
        return found

    def service(self) -> str:
        """Return the name of the service that sent the first span."""
        first = next(r for r in self.requests if isinstance(r, ExportTraceServiceRequest))
        return said(first.resource_spans[0].resource)["service.name"]


def said(thing: Any) -> dict[str, Any]:
    """Return the attributes of a span, event, point or resource."""
    found = {}
    for each in thing.attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        found[each.key] = (
            [one.string_value for one in value.values] if kind == "array_value" else value
        )
    return found


@contextmanager
def collecting() -> Iterator[Collector]:
    """Yield a collector that listens."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
