"""`cost estimate`, `cost rates`, and the line of `plan`: what a person reads, in a project."""

from __future__ import annotations

import csv
import io
import json

import pytest

from sf_ml_framework.cli.app import main
from sf_ml_framework.plan.codec import encode
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.objects import Observed
from sf_ml_framework.run.journal import FILE, SqliteJournal
from sf_ml_framework.run.records import NodeRun, Reason
from tests.unit.plan import projects

PIPELINE = """\
from sf_ml_framework import DataCatalog, NodeConfig, Project


def load(*, rows: int = 3) -> None:
    return None


PROJECT = Project(
    name="shop",
    pipeline=[NodeConfig(name="load", function=load, timeout_minutes=30)],
    catalog=DataCatalog([]),
)
"""
SETTINGS = """\
project: {module}:PROJECT
targets:
  dev: {{database: ml_dev, tasks: {{schedule: 60 MINUTES}}}}
"""
RATE = 0.11


@pytest.fixture
def project(tmp_path, monkeypatch):
    module = f"pipeline_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{module}.py").write_text(PIPELINE, encoding="utf-8")
    (tmp_path / "mlops.yml").write_text(SETTINGS.format(module=module), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def said(project, more):
    file = project / "mlops.yml"
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")


def ran(project, *seconds):
    journal = SqliteJournal(project / FILE)
    for number, each in enumerate(seconds):
        journal.record_node(
            NodeRun(
                run_id=f"r{number}", node="load", status="succeeded", seconds=each,
                reason=Reason(kind="first_run"),
            )
        )  # fmt: skip
    journal.close()


def document(capsys, *words):
    assert main(["cost", "estimate", "--format", "json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_node_that_never_ran_is_estimated_by_its_timeout(project, capsys):
    found = document(capsys)

    assert found["nodes"][0]["basis"] == "timeout"
    assert found["run"]["credits"] == pytest.approx(RATE * 2100 / 3600)
    assert found["rates"]["as_of"] == "2026-01-13"
    assert found["run"]["month"]["runs"] == pytest.approx(720)


def test_runs_of_this_machine_are_a_hint(project, capsys):
    ran(project, *range(600, 710, 10))

    found = document(capsys)

    assert found["durations"] == "this machine"
    assert (found["run"]["seconds"], found["run_p90"]["seconds"]) == (120 + 650, 120 + 690)
    assert document(capsys, "--timeouts")["run"]["seconds"] == 120 + 1800


def test_a_person_reads_the_middle_the_high_end_the_month_and_what_is_not_in_it(project, capsys):
    ran(project, 600, 600, 1200)

    assert main(["cost", "estimate"]) == 0

    told = capsys.readouterr()
    assert "load  MLOPS_COMPUTE_POOL  10 min 00 s  3 runs on this machine   0.0183" in told.out
    assert "a run: 0.0275 credits, 12 min 00 s; nine of ten at most 0.0422 credits" in told.out
    assert "a month: 19.80 credits for 720 runs" in told.out
    assert "not in it: serverless tasks: what one costs" in told.out
    assert "rates of 2026-01-13" in told.err


def test_a_price_makes_money_of_credits(project, capsys):
    said(project, "costs: {price_per_credit: 2.5, currency: EUR}\n")

    assert main(["cost", "estimate", "--runs", "10"]) == 0
    assert "a month: 0.6417 credits, 1.60 EUR for 10 runs" in capsys.readouterr().out
    assert document(capsys)["run"]["cost"] == pytest.approx(RATE * 2100 / 3600 * 2.5, abs=1e-6)


def test_own_rates_are_used_and_named(project, capsys):
    said(project, "costs: {rates: rates.yml}\n")
    (project / "rates.yml").write_text(
        "as_of: '2026-10-01'\nfamilies: {CPU_X64_S: {credits: 1.0}}\n", encoding="utf-8"
    )

    found = document(capsys)

    assert found["rates"] == {
        "as_of": "2026-10-01", "source": "rates.yml", "price_per_credit": None, "currency": None,
    }  # fmt: skip
    assert found["run"]["credits"] == pytest.approx(2100 / 3600)


def test_rates_that_cannot_be_read_are_named(project, capsys):
    said(project, "costs: {rates: none.yml}\n")

    assert main(["cost", "estimate"]) == 3
    assert "none.yml cannot be read" in capsys.readouterr().err


def test_an_unknown_rate_is_said_and_not_guessed(project, capsys):
    text = (project / "mlops.yml").read_text(encoding="utf-8")
    text = text.replace("60 MINUTES}", "60 MINUTES}, pools: {SMALL: {family: GEN_X64_G2_4}}")
    (project / "mlops.yml").write_text(text, encoding="utf-8")

    assert main(["cost", "estimate"]) == 0
    told = capsys.readouterr().out
    assert "not in it: the rate of GEN_X64_G2_4 (MLOPS_COMPUTE_POOL) is not known" in told
    assert document(capsys)["nodes"][0]["credits"] is None


def test_a_node_that_the_target_makes_larger_is_estimated_so(project, capsys):
    (project / "mlops.yml").write_text(
        (project / "mlops.yml")
        .read_text(encoding="utf-8")
        .replace("ml_dev,", "ml_dev, nodes: {load: {compute_pool_size: LARGE}},"),
        encoding="utf-8",
    )

    (node,) = document(capsys)["nodes"]

    assert node["pool"] == "MLOPS_COMPUTE_POOL_LARGE"


def test_csv_has_a_line_for_each_node(project, capsys):
    assert main(["cost", "estimate", "--format", "csv"]) == 0

    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["node"], row["basis"], row["seconds"]) == ("load", "timeout", "1800.0")


def test_the_rates_are_listed_with_their_day_and_source(project, capsys):
    assert main(["cost", "rates", "--format", "json"]) == 0

    found = json.loads(capsys.readouterr().out)
    by_name = {each["name"]: each["credits"] for each in found["rates"]}
    assert found["as_of"] == "2026-01-13"
    assert (by_name["CPU_X64_S"], by_name["GEN_X64_G2_4"], by_name["XSMALL"]) == (0.11, None, 1)


def planned(project, capsys, *words, observed=None):
    file = project / "state.json"
    file.write_bytes(encode(observed or Observed()))
    assert main(["plan", "--state", str(file), *words]) == 0
    return capsys.readouterr().out


def test_a_plan_says_what_a_new_graph_will_cost(project, capsys):
    told = planned(project, capsys)

    assert "cost: at most 0.0642 credits a run, 46.20 credits a month; more: " in told


def test_a_plan_says_what_a_change_makes_of_the_cost(project, capsys):
    """The pool waited ten minutes until now, and the graph ran once an hour."""
    before = compile_desired(
        projects.manifest(
            projects.node("load", resources=projects.Resources(timeout_seconds=1800))
        ),
        projects.target(
            tasks={"schedule": "60 MINUTES"}, pools={"SMALL": {"auto_suspend_seconds": 600}}
        ),
    )
    observed = Observed(objects=before.objects)

    told = planned(project, capsys, observed=observed)
    fields = json.loads(planned(project, capsys, "--format", "json", observed=observed))["cost"]

    assert "cost: at most 0.0733 -> 0.0642 credits a run, 52.80 -> 46.20 credits a month" in told
    assert fields["before"]["credits"] == pytest.approx(RATE * 2400 / 3600)
    assert fields["after"]["month_credits"] == pytest.approx(RATE * 2100 / 5)


def test_a_plan_that_changes_neither_pool_nor_task_says_nothing_of_costs(project, capsys):
    planned(project, capsys)
    assert main(["plan", "--state", str(project / "state.json"), "--format", "json"]) == 0
    desired = json.loads(capsys.readouterr().out)
    assert desired["cost"] is not None

    same = compile_desired(_manifest(project), projects.target(tasks={"schedule": "60 MINUTES"}))
    told = planned(project, capsys, observed=Observed(objects=same.objects))

    assert "cost:" not in told


def _manifest(project):
    from sf_ml_framework import settings
    from sf_ml_framework.manifest.load import compiled

    return compiled(project, settings.load(project).project)
