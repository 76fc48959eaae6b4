"""Three nodes in three containers that tasks started: parameters, logs, ends, return values."""

from __future__ import annotations

import json
import os
import signal

import pytest

PIPELINE = """
CATALOG = DataCatalog([
    Dataset(name="raw", columns=[Column(name="id", type="integer")]),
    Dataset(name="counted", kind="document"),
    Dataset(name="told", kind="report"),
])
PROJECT = Project(name="small", catalog=CATALOG, pipeline=[
    NodeConfig(name="generate", function=generate, outputs="raw", params={"rows": 3}),
    NodeConfig(name="count", function=count, inputs={"table": "raw"}, outputs="counted"),
    NodeConfig(name="tell", function=tell, inputs={"counted": "counted"}, outputs="told"),
])
"""
STEPS = """
import logging

import pandas as pd

from sf_ml_framework import Report

SAY = False


def generate(*, rows: int = 3, mode: str = "") -> pd.DataFrame:
    print("printed: grüße")
    logging.getLogger("steps").info("logged %s", rows)
    if mode == "fail":
        raise ValueError("the author's own: größer")
    if mode == "wait":
        say()
        time.sleep(600)
    return pd.DataFrame({"id": range(rows)})


def count(table: pd.DataFrame) -> dict:
    return {"rows": len(table)}


def tell(counted: dict, *, metrics: int = 1) -> Report:
    return Report(
        title="Told",
        metrics={"rows": counted["rows"]} | {f"größe_{n}_日本": n / 7 for n in range(metrics)},
    )
"""


@pytest.fixture(scope="module")
def site(stand):
    return stand(PIPELINE, STEPS)


@pytest.fixture
def run(site):
    """Run the graph with some configuration, and return tasks and records."""

    def call(**config):
        times = len(site._graphs()) + 1
        tasks = site.run(json.dumps(config), times=times)
        return tasks, site.records()

    return call


def test_three_nodes_run_in_three_containers_with_the_run_s_parameters(site, run):
    tasks, records = run(params={"generate.rows": 5}, force=True)

    assert {name: each.status for name, each in records.items()} == {
        "generate": "succeeded",
        "count": "succeeded",
        "tell": "succeeded",
    }, tasks
    assert records["generate"].params["rows"] == 5
    assert records["tell"].metrics["rows"] == 5
    journal_run = site.journal.run(site.run_id())
    assert (journal_run.status, journal_run.selection) == (
        "succeeded",
        ("generate", "count", "tell"),
    )
    assert journal_run.settings["target"] == "dev"
    told = json.loads(tasks["generate"]["return_value"])
    assert told["outputs"] == {"raw@v1.0.0": 5}
    assert told["run_id"] == site.run_id()
    assert json.loads(tasks["tell"]["return_value"])["metrics"]["rows"] == 5


def test_a_run_of_the_same_skips_every_node_and_the_tasks_say_so(site, run):
    run(params={"generate.rows": 4})

    tasks, records = run(params={"generate.rows": 4})

    assert {each.status for each in records.values()} == {"skipped"}
    for name in ("generate", "count", "tell"):
        told = json.loads(tasks[name]["return_value"])
        assert (told["status"], told["reason"]) == ("skipped", "unchanged")


def test_lines_are_json_with_run_and_node(site, run):
    run(force=True)

    lines = [json.loads(line) for line in site.log("generate")]

    bodies = [line["body"] for line in lines]
    assert "printed: grüße" in bodies
    assert "logged 3" in bodies
    assert any(body.startswith("generate: succeeded in") for body in bodies)
    of_node = [line for line in lines if line["body"] in ("printed: grüße", "logged 3")]
    for line in of_node:
        assert line["attributes"] == {
            "node": "generate",
            "run_id": site.run_id(),
            "target": "dev",
        }


def test_a_node_that_fails_is_the_author_s_and_tells_why(site, run):
    tasks, records = run(params={"generate.mode": "fail"}, force=True)

    assert "code 1" in tasks["generate"]["error_message"]
    told = json.loads(tasks["generate"]["return_value"])
    assert told["error"] == "node 'generate' failed: ValueError: the author's own: größer"
    assert told["exit_code"] == 1
    assert records.keys() == {"generate"}
    assert "in generate" in records["generate"].trace
    assert site.journal.run(site.run_id()).status == "failed"
    errors = [json.loads(line) for line in site.log("generate")]
    assert any("Traceback" in line["body"] for line in errors if line["severity_text"] == "ERROR")


def test_a_parameter_that_cannot_be_is_told_before_the_node_runs(site, run):
    tasks, records = run(params={"generate.rows": "many"}, force=True)

    assert "code 2" in tasks["generate"]["error_message"]
    told = json.loads(tasks["generate"]["return_value"])
    assert "'rows' of 'generate' is \"many\"" in told["error"]
    record = records["generate"]
    assert (record.status, record.exit_code, record.error) == ("failed", 2, told["error"])


def test_a_configuration_that_is_not_ours_to_read_is_told(site, run):
    tasks, records = run(params=[1])

    assert "code 2" in tasks["generate"]["error_message"]
    assert "configuration of the task graph cannot be read" in records["generate"].error
    assert records["generate"].remedy.startswith("give a JSON object")


def test_hundreds_of_metrics_stand_in_the_account_and_those_that_fit_in_the_return_value(site, run):
    tasks, records = run(params={"tell.metrics": 400}, force=True)

    text = tasks["tell"]["return_value"]
    told = json.loads(text)
    assert len(text.encode()) <= 10_000
    assert told["metrics"]["größe_0_日本"] == 0.0
    assert len(told["metrics"]) + told["metrics_left_out"] == 401
    assert len(records["tell"].metrics) == 401


def test_a_container_that_is_told_to_stop_records_it_within_its_grace(site, emulator):
    times = len(site._graphs()) + 1
    site.start(json.dumps({"params": {"generate.mode": "wait"}, "force": True}))
    pid, _ = site.begun()

    os.kill(pid, signal.SIGTERM)
    tasks = site.ended(times)

    record = site.records()["generate"]
    assert (record.status, record.error) == ("cancelled", "stopped by SIGTERM")
    assert "code 143" in tasks["generate"]["error_message"]


def test_a_run_that_is_cancelled_stops_its_container_cleanly(site, emulator):
    times = len(site._graphs()) + 1
    site.start(json.dumps({"params": {"generate.mode": "wait"}, "force": True}))
    site.begun()

    site.admin.rows("select system$user_task_cancel_ongoing_executions(?)", (site.graph,))
    site.admin.rows(
        "select system$user_task_cancel_ongoing_executions(?)",
        (f"{site.database}.ML.TASK_GENERATE",),
    )
    tasks = site.ended(times)

    assert tasks["generate"]["state"].startswith("CANCEL")
    record = site.records()["generate"]
    assert (record.status, record.error) == ("cancelled", "stopped by SIGTERM")
    assert site.journal.run(site.run_id()).status == "cancelled"


def test_a_job_that_no_task_started_has_a_run_of_its_own(site):
    """As `mlops exec` starts it."""
    spec = f"""
spec:
  containers:
  - name: main
    image: {site.image}
    args: ["--node", "generate", "--inputs", '{{"rows": 7}}']
    env: {{MLOPS_TARGET: dev, MLOPS_RUN_ID: by-hand-1}}
"""
    site.admin.execute(f"use role {site.target.role}")
    try:
        site.admin.execute(
            f"execute job service in compute pool {site.target.pools['SMALL'].name}"
            f" query_warehouse = {site.target.warehouse} from specification $${spec}$$"
        )
    finally:
        site.admin.execute("use role accountadmin")

    run = site.journal.run("by-hand-1")
    record = site.records("by-hand-1")["generate"]
    assert (run.status, run.selection) == ("succeeded", ("generate",))
    assert (record.status, record.params["rows"], record.reason.kind) == ("succeeded", 7, "forced")
