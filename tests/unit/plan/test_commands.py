"""`compile`, `infra sql` and `plan --state`: what a person types, in a project of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sf_ml_framework.cli.app import main
from sf_ml_framework.plan.codec import encode, read_plan
from sf_ml_framework.plan.objects import Observed

PIPELINE = """\
from sf_ml_framework import DataCatalog, NodeConfig, Project


def load(*, rows: int = 3) -> None:
    return None


NODE = NodeConfig(name="load", function=load)
PROJECT = Project(name="shop", pipeline=[NODE], catalog=DataCatalog([]))
"""
SETTINGS = """\
project: {module}:PROJECT
targets:
  dev: {{database: ml_dev, tasks: {{schedule: 60 MINUTES}}}}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one node; its module has a name of its own, for imports are remembered."""
    module = f"pipeline_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{module}.py").write_text(PIPELINE, encoding="utf-8")
    (tmp_path / "mlops.yml").write_text(SETTINGS.format(module=module), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def empty(project) -> str:
    file = project / "empty.json"
    file.write_bytes(encode(Observed()))
    return str(file)


def test_compiling_writes_the_files_and_then_finds_them_up_to_date(project, capsys):
    assert main(["compile", "--check"]) == 3
    assert main(["compile"]) == 0
    assert main(["compile", "--check"]) == 0

    assert (project / "jobs" / "job-load.yaml").is_file()
    assert (project / "tasks" / "create_pipeline_tasks.sql").is_file()
    assert capsys.readouterr().out.endswith("all up to date\n")


def test_a_file_that_was_changed_by_hand_is_a_fault_with_the_difference(project, capsys):
    main(["compile"])
    file = project / "jobs" / "job-load.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("2Gi", "9Gi"), encoding="utf-8")
    capsys.readouterr()

    code = main(["compile", "--check"], program="mlops")

    told = capsys.readouterr()
    assert code == 3
    assert "-          memory: 9Gi" in told.out
    assert "+          memory: 2Gi" in told.out
    assert "remedy: mlops compile" in told.err
    assert "9Gi" in file.read_text(encoding="utf-8")


def test_the_file_of_a_node_that_is_gone_is_removed_and_a_persons_own_is_not(project, capsys):
    main(["compile"])
    job = project / "jobs" / "job-load.yaml"
    shutil.copy(job, job.with_name("job-gone.yaml"))
    job.with_name("job-mine.yaml").write_text("spec: {}\n", encoding="utf-8")

    assert main(["compile", "--check"]) == 3
    assert main(["compile"]) == 0

    assert sorted(file.name for file in job.parent.iterdir()) == ["job-load.yaml", "job-mine.yaml"]


def test_another_folder_takes_the_files_of_another_tag(project):
    assert main(["compile", "--tag", "4f2a91c", "--output", "build"]) == 0

    text = Path("build/jobs/job-load.yaml").read_text(encoding="utf-8")
    assert "/ml_dev/ml/mlops_images/mlops_framework:4f2a91c" in text
    assert not (project / "jobs").exists()


def test_the_administrators_part_is_the_only_one_that_makes_roles(project, capsys):
    assert main(["infra", "sql", "--part", "admin"]) == 0
    admin = capsys.readouterr().out
    assert main(["infra", "sql", "--part", "deploy", "--part", "run"]) == 0
    others = capsys.readouterr().out

    assert "USE ROLE ACCOUNTADMIN" in admin
    assert "CREATE ROLE IF NOT EXISTS MLOPS_ROLE" in admin
    assert "CREATE ROLE" not in others
    assert "CREATE OR ALTER TASK ML_DEV.ML.TASK_LOAD" in others


def test_a_plan_against_a_file_asks_no_account(project, empty, capsys):
    code = main(["plan", "--state", empty, "--out", "plan.json", "--detailed-exitcode"])

    told = capsys.readouterr()
    plan = read_plan(project / "plan.json")
    assert code == 2
    assert told.out.splitlines()[-1].startswith(f"Plan: {len(plan.steps) - 3} to create, 0 to")
    assert "deploy --plan plan.json" in told.err


def test_a_file_can_be_asked_no_more_than_it_holds(project, empty, capsys):
    assert main(["plan", "--state", empty, "--thorough"]) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert "--thorough" in told.err
    assert "mlops state pull" in told.err


def test_a_plan_that_changes_nothing_ends_with_0(project, empty):
    main(["plan", "--state", empty, "--out", "plan.json"])
    done = Observed(objects=read_plan(project / "plan.json").desired.objects)
    (project / "done.json").write_bytes(encode(done))

    assert main(["plan", "--state", "done.json", "--detailed-exitcode"]) == 0


def test_a_fault_is_no_change_where_the_exit_code_tells_of_changes(project, empty, capsys):
    line = ["plan", "--state", empty, "--target", "nowhere"]

    assert main(line) == 2
    assert main([*line, "--detailed-exitcode"]) == 1
    assert "no target is named 'nowhere'" in capsys.readouterr().err


def test_a_plan_for_a_program_has_each_change_and_each_statement(project, empty, capsys):
    assert main(["plan", "--state", empty, "--format", "json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["counts"]["create"] == sum(one["change"] == "create" for one in told["changes"])
    assert {one["part"] for one in told["statements"]} == {"admin", "deploy", "run"}


def test_a_plan_as_sql_is_only_statements(project, empty, capsys):
    assert main(["plan", "--state", empty, "--format", "sql"]) == 0

    text = capsys.readouterr().out
    assert text.startswith("CREATE ROLE IF NOT EXISTS")
    assert text.rstrip().endswith("ALTER TASK ML_DEV.ML.TASK_SHOP RESUME;")


def test_what_stays_is_shown_when_it_is_asked_for(project, empty, capsys):
    main(["plan", "--state", empty, "--out", "plan.json"])
    done = Observed(objects=read_plan(project / "plan.json").desired.objects)
    (project / "done.json").write_bytes(encode(done))
    capsys.readouterr()

    main(["plan", "--state", "done.json", "--all"])

    assert "    role MLOPS_ROLE" in capsys.readouterr().out


def test_no_colour_stands_in_what_is_piped(project, empty, capsys):
    main(["plan", "--state", empty])

    assert "\x1b" not in capsys.readouterr().out
