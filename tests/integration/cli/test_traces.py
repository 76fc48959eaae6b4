"""A run tells its trace to a collector: one trace, ids that follow from the run's own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

pytest.importorskip("opentelemetry.sdk")

from sf_ml_framework.telemetry.ids import ids_of, span_id, trace_id
from tests.integration.cli.collector import collecting, said
from tests.integration.cli.shop import HOUSE

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def collector():
    with collecting() as found:
        yield found


def by_name(spans):
    return {span.name: span for span in spans}


def run(shop, collector, *words, **env):
    done = shop.call("run", "--format", "json", *words, env={ENDPOINT: collector.address, **env})
    return done.json


def test_a_run_is_one_trace_with_a_span_for_each_node(shop, collector):
    found = run(shop, collector)

    spans, run_id = by_name(collector.spans), found["run"]
    assert spans.keys() == {
        "run shop", "make_orders", "clean_orders", "count_orders", "judge",
    }  # fmt: skip
    assert {span.trace_id.hex() for span in spans.values()} == {f"{trace_id(run_id):032x}"}
    whole = spans.pop("run shop")
    assert whole.span_id.hex() == f"{ids_of(run_id, {}).run:016x}"
    assert not whole.parent_span_id
    for name, span in spans.items():
        assert span.span_id.hex() == f"{span_id(run_id, name):016x}"
        assert span.parent_span_id == whole.span_id
        assert whole.start_time_unix_nano <= span.start_time_unix_nano
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    told = said(spans["make_orders"])
    assert told["mlops.node.reason"] == "first_run"
    assert told["mlops.node.status"] == "succeeded"
    assert told["mlops.node.bytes"] > 0
    assert told["mlops.node.cached"] is False
    assert collector.service() == "shop"


def test_metrics_tell_duration_memory_and_hits(shop, collector):
    run(shop, collector)
    run(shop, collector)

    found = collector.metrics
    assert sum(point.count for point in found["mlops.node.duration"]) == 4
    assert {said(point)["mlops.node"] for point in found["mlops.node.peak_memory"]} == {
        "make_orders", "clean_orders", "count_orders", "judge",
    }  # fmt: skip
    assert sum(point.as_int for point in found["mlops.node.cache_hits"]) == 4
    assert "mlops.node.failures" not in found


def test_a_node_that_is_tried_again_and_fails_is_told_with_its_attempts_and_error(shop, collector):
    shop.change("shop/pipeline.py", 'outputs="counted",', 'outputs="counted", retries=1,')
    shop.change(
        "shop/nodes.py",
        '    return {"count"',
        '    raise ValueError("no count today")\n    return {"count"',
    )

    run(shop, collector)

    spans = by_name(collector.spans)
    failed = spans["count_orders"]
    events = {event.name: event for event in failed.events}
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    assert "no count today" in failed.status.message
    assert said(events["retry"])["mlops.node.attempt"] == 2
    assert "no count today" in said(events["exception"])["exception.message"]
    assert "nodes.py" in said(events["exception"])["exception.stacktrace"]
    assert said(failed)["mlops.node.attempt"] == 2
    # What never began has no time, and so no span.
    assert "judge" not in spans
    assert spans["run shop"].status.code == failed.status.STATUS_CODE_ERROR
    assert sum(point.as_int for point in collector.metrics["mlops.node.failures"]) == 1


def test_a_run_within_a_trace_joins_it(shop, collector):
    parent = f"00-{'ab' * 16}-{'cd' * 8}-01"

    found = run(shop, collector, TRACEPARENT=parent)

    spans = by_name(collector.spans)
    assert {span.trace_id.hex() for span in spans.values()} == {"ab" * 16}
    assert spans["run shop"].parent_span_id.hex() == "cd" * 8
    assert spans["judge"].span_id.hex() == f"{span_id(found['run'], 'judge'):016x}"


def test_a_parent_that_is_not_recorded_is_heeded(shop, collector):
    run(shop, collector, TRACEPARENT=f"00-{'ab' * 16}-{'cd' * 8}-00")

    assert collector.spans == []


def test_one_node_by_itself_is_a_trace_too(shop, collector):
    done = shop.ok("exec", "make_orders", "--format", "json", env={ENDPOINT: collector.address})

    spans = by_name(collector.spans)
    assert spans.keys() == {"run shop", "make_orders"}
    assert spans["make_orders"].trace_id.hex() == f"{trace_id(done.json['run']):032x}"


def test_the_setting_names_a_collector_and_off_silences_the_variables(shop, collector):
    shop.change("mlops.yml", "PROJECT\n", f"PROJECT\nlocal: {{telemetry: '{collector.address}'}}\n")
    shop.ok("run")
    assert len(collector.spans) == 5

    shop.change("mlops.yml", collector.address, "off")
    shop.ok("run", env={ENDPOINT: collector.address})

    assert len(collector.spans) == 5


def test_a_file_gets_lines_of_otlp_and_what_was_recorded_is_the_same_trace(shop):
    shop.change("mlops.yml", "PROJECT\n", "PROJECT\nlocal: {telemetry: out/traces.jsonl}\n")
    done = shop.ok("run", "--format", "json")
    shop.ok("trace", "last", "--out", "again.jsonl")

    live, again = (spans_in(shop.root / name) for name in ("out/traces.jsonl", "again.jsonl"))

    assert live.keys() == again.keys()
    for name, span in live.items():
        for field in ("traceId", "spanId"):
            assert span[field] == again[name][field]
        assert span.get("parentSpanId") == again[name].get("parentSpanId")
    assert live["judge"]["traceId"] == f"{trace_id(done.json['run']):032x}"


def spans_in(file):
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {
        span["name"]: span
        for line in lines
        for resource in line.get("resourceSpans", ())
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    }


def test_a_run_that_is_over_is_sent_and_shown(ran, collector):
    shown = ran.ok("trace", "last", "--format", "json").json
    told = ran.ok("trace", "last", "--send", env={ENDPOINT: collector.address})

    assert {span.span_id.hex() for span in collector.spans} == {row["span_id"] for row in shown}
    assert f"sent 5 spans of trace {shown[0]['trace_id']}" in told.stderr
    assert ran.ok("trace", "last").stdout.startswith(f"trace {shown[0]['trace_id']}\n")


def test_to_send_without_saying_where_is_a_fault_with_its_remedy(ran):
    done = ran.call("trace", "last", "--send")

    assert done.returncode == 3
    assert ENDPOINT in done.stderr


def test_a_collector_that_is_dead_fails_no_run(shop):
    done = shop.ok("run", env={ENDPOINT: "http://127.0.0.1:9"})

    assert "4 succeeded" in done.stdout
    assert "telemetry was not sent to http://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_collector_that_never_answers_holds_the_end_up_for_some_seconds_at_most(shop):
    """It takes the connection and says nothing, which is what a stuck one does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = shop.ok("run", env={ENDPOINT: address, "OTEL_EXPORTER_OTLP_TIMEOUT": "90"})

    assert "4 succeeded" in done.stdout
    assert f"telemetry was not sent to {address}: it did not answer within 3 s" in done.stderr


def test_nothing_of_opentelemetry_is_imported_where_nobody_asks(shop):
    check = (
        "import sys; from sf_ml_framework.cli.app import main; code = main(['run']);"
        "loaded = [name for name in sys.modules if name.startswith('opentelemetry')];"
        "sys.exit(code or len(loaded))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=shop.root, env=shop.environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_without_the_extra_the_projects_own_wish_is_a_warning_and_the_run_goes_on(shop):
    """Here it is installed, so a module that is empty stands before it on the path."""
    hidden = shop.root / "hidden" / "opentelemetry"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("", encoding="utf-8")
    shop.change("mlops.yml", "PROJECT\n", "PROJECT\nlocal: {telemetry: otlp}\n")
    path = {"PYTHONPATH": f"{hidden.parent}:{HOUSE}"}

    done = shop.ok("run", env=path)

    assert "4 succeeded" in done.stdout
    assert "pip install 'sf-ml-framework[otel]'" in done.stderr
