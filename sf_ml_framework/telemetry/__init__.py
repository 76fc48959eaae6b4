"""Traces and metrics of runs, as OpenTelemetry has them; an optional extra.

Nothing of OpenTelemetry is imported before a destination is asked for, by the standard variables
(``OTEL_EXPORTER_OTLP_ENDPOINT``…) or by ``telemetry`` of ``mlops.yml``. A collector that does not
answer never fails a run, and holds its end up for some seconds at most.
"""
