"""Of the runs that an account has recorded, those of the graph count where the graph is meant."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from sf_ml_framework.places.snowflake.run_changes import succeeded
from sf_ml_framework.places.snowflake.watch import Watch
from sf_ml_framework.targets import Target

PROJECT = "churn"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
GRAPH_RUN = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
FAILED_RUN = "1f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
HERE = "20260131-110000-aaaa"
"""A run of some nodes from a laptop, or of a single node by `mlops exec`."""


@pytest.fixture
def recorded(account, database):
    """One run of the graph that succeeded, one that failed, and a later one of a laptop."""
    for run_id, status, hours, day in (
        (GRAPH_RUN, "succeeded", 5, "2026-01-04"),
        (FAILED_RUN, "failed", 4, "2026-01-06"),
        (HERE, "succeeded", 1, "2026-01-05"),
    ):
        account.rows(
            f"insert into {database}.ML.MLOPS_RUNS"
            " (run_id, project, status, started, seconds, record) values (?, ?, ?, ?, ?, ?)",
            (
                run_id,
                PROJECT,
                status,
                (NOW - timedelta(hours=hours)).isoformat(),
                60.0,
                json.dumps({"overrides": {"params": {"date": day}}}),
            ),
        )
    return account


def test_a_value_is_done_by_a_run_of_the_graph_and_by_no_part_of_one(recorded, database):
    done = dict(succeeded(recorded, database, "ML", PROJECT))

    assert done == {GRAPH_RUN: {"params": {"date": "2026-01-04"}}}


def test_the_last_success_and_the_counts_are_of_the_graph(recorded, database):
    watch = Watch(recorded, Target(name="dev", database=database), PROJECT)

    found = watch.runs(NOW - timedelta(days=1))

    assert (found["runs"], found["succeeded"], found["failed"]) == (2, 1, 1)
    assert datetime.fromisoformat(found["last_success"]) == NOW - timedelta(hours=5, minutes=-1)
