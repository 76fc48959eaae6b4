"""Ids follow from the run's id alone; where a trace is given, it is joined."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.telemetry.destination import destination
from sf_ml_framework.telemetry.ids import ids_of, span_id, trace_id, traceparent

RUN = "20261129-105136-3aa9"
GRAPH_RUN = "82015408-d352-47c2-b5e1-afe0d847859f"


def test_the_ids_of_a_run_never_change():
    """They are promised: a trace is found again by them, also after an upgrade."""
    assert f"{trace_id(RUN):032x}" == "01c8bbcb9d514269d4b018ef504b018f"
    assert f"{trace_id(GRAPH_RUN):032x}" == "dec2172da292b0ffb35514db96f4f053"
    assert f"{ids_of(RUN, {}).run:016x}" == "ec89c9c548ba8a27"
    assert f"{span_id(RUN, 'train'):016x}" == "439aa2acaa86fc17"


def test_a_run_id_that_tells_the_time_gives_a_trace_that_does():
    """The minute since 1970 in four bytes, as Snowflake's own generator has it."""
    began = datetime(2026, 11, 29, 10, 51, tzinfo=UTC)

    assert trace_id(RUN) >> 96 == int(began.timestamp()) // 60


@given(st.text(min_size=1), st.text(min_size=1))
def test_ids_are_valid_and_differ(run, node):
    assert 0 < trace_id(run) < 2**128
    assert 0 < span_id(run, node) < 2**64
    assert span_id(run, node) != ids_of(run, {}).run


def test_a_given_parent_is_taken_over():
    found = ids_of(RUN, {"TRACEPARENT": f"00-{'ab' * 16}-{'cd' * 8}-00"})

    assert (found.trace, found.parent) == (int("ab" * 16, 16), int("cd" * 8, 16))
    assert not found.sampled
    assert traceparent(found, 1) == f"00-{'ab' * 16}-{1:016x}-00"


@pytest.mark.parametrize("text", ["", "x", f"00-{'0' * 32}-{'cd' * 8}-01", "00-ab-cd-01"])
def test_a_parent_that_is_none_is_left_alone(text):
    assert ids_of(RUN, {"TRACEPARENT": text}) == ids_of(RUN, {})


HTTP = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}
GRPC = {**HTTP, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}


@pytest.mark.parametrize(
    ("setting", "environ", "inside", "found"),
    [
        ("", {}, False, None),
        ("", HTTP, False, ("http", "")),
        ("", GRPC, False, ("grpc", "")),
        ("", HTTP, True, None),
        ("off", HTTP, False, None),
        ("otlp", {}, False, ("http", "")),
        ("http://d:1/", {}, False, ("http", "http://d:1")),
        ("http://d:1", HTTP, False, ("http", "")),
        ("http://d:1", HTTP, True, ("http", "http://d:1")),
        ("event-table", {}, True, None),
        ("event-table", HTTP, True, ("grpc", "")),
        ("traces.jsonl", {}, False, ("file", "/p/traces.jsonl")),
        ("otlp", {"OTEL_SDK_DISABLED": "true"}, False, None),
    ],
)
def test_where_telemetry_goes(setting, environ, inside, found):
    where = destination(setting, Path("/p"), environ, inside=inside)

    assert (where and (where.kind, where.address)) == found
