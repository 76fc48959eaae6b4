"""Two projects whose targets are one schema: each sees its own runs and nothing of the other's."""

from __future__ import annotations

import pytest

from sf_ml_framework.errors import UnknownNameError
from sf_ml_framework.places.snowflake.journal import SnowflakeJournal
from sf_ml_framework.run.records import NodeKey, NodeRun, Reason, RunRecord
from tests.integration.cli.shop import Shop

KEY = NodeKey(scheme=1, code={"nodes:a": "11"}, params={})
OURS, THEIRS, BETWEEN = "20260101-000000-aaaa", "20260103-000000-bbbb", "20260102-000000-cccc"


def recorded(journal, run_id, project, *, status="succeeded", seconds=1.0):
    started = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}T00:00:00.000000+00:00"
    journal.start_run(RunRecord(run_id=run_id, project=project, status=status, started=started))
    journal.record_node(
        NodeRun(
            run_id=run_id, node="make_orders", status=status, reason=Reason(kind="first_run"),
            started=started, seconds=seconds, key=KEY,
        )
    )  # fmt: skip


@pytest.fixture
def everything(account, database):
    """The journal of the schema, where *shop* ran first and another project afterwards."""
    opened = SnowflakeJournal(account, database, "ML")
    recorded(opened, OURS, "shop")
    recorded(opened, BETWEEN, "other", status="failed")
    recorded(opened, THEIRS, "other", seconds=9.0)
    return opened


@pytest.fixture
def ours(everything, account, database):
    return SnowflakeJournal(account, database, "ML", project="shop")


def test_runs_are_those_of_the_project(ours):
    assert [run.run_id for run in ours.runs()] == [OURS]
    assert [run.run_id for run in ours.runs(limit=1, status="succeeded")] == [OURS]
    assert list(ours.runs(status="failed")) == []
    assert ours.run("last").run_id == OURS


def test_a_project_that_has_not_run_has_no_last_run(everything, account, database):
    third = SnowflakeJournal(account, database, "ML", project="third")

    assert list(third.runs()) == []
    with pytest.raises(UnknownNameError):
        third.run("last")


def test_a_run_of_another_project_is_found_by_its_whole_id_alone(ours):
    assert ours.run(THEIRS).project == "other"
    assert ours.run("2026").run_id == OURS
    with pytest.raises(UnknownNameError) as caught:
        ours.run(THEIRS[:12])
    assert THEIRS not in str(caught.value) + caught.value.remedy


def test_successes_and_durations_are_those_of_the_project(ours, everything):
    assert ours.last_success("make_orders").run_id == OURS
    assert ours.find_success("make_orders", KEY.digest).run_id == OURS
    assert ours.durations() == {"make_orders": [1.0]}
    assert sorted(everything.durations()["make_orders"]) == [1.0, 9.0]


@pytest.fixture
def shop(tmp_path, everything, database, connection_flags):
    """A project *shop* whose target is that schema, and an environment that leads there."""
    made = Shop(tmp_path / "shop")
    made.write(
        "mlops.yml",
        "project: shop.pipeline:PROJECT\ndefault_target: dev\n"
        f"targets: {{dev: {{database: {database}, prefix: {database}, schema: ML,"
        " role: ACCOUNTADMIN, deploy_role: ACCOUNTADMIN, warehouse: COMPUTE_WH}}\n",
    )
    environ = {f"SNOWFLAKE_{key.upper()}": value for key, value in connection_flags.items()}
    return made, environ


def test_the_commands_that_tell_of_runs_tell_of_the_project_s(shop):
    project, environ = shop

    listed = project.ok("history", "--format", "json", env=environ).json
    shown = project.ok("show", "last", "--format", "json", env=environ).json
    project.ok("report", "--output", "page.html", env=environ)

    assert [each["run"] for each in listed] == [OURS]
    assert shown["run"] == OURS
    assert OURS in (project.root / "page.html").read_text(encoding="utf-8")


def test_runs_are_told_while_the_pipeline_is_being_rewritten(shop):
    project, environ = shop
    project.write("shop/pipeline.py", "this is no Python\n")

    done = project.ok("show", OURS, "--format", "json", env=environ)

    assert done.json["run"] == OURS
