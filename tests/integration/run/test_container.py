"""The program that runs one node: in a container, and by hand on a laptop."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sf_ml_framework.container import main
from sf_ml_framework.run.journal import FILE, SqliteJournal
from sf_ml_framework.run.lock import Holder, RunLock
from sf_ml_framework.run.process import worker_command
from sf_ml_framework.settings import LocalSettings
from tests.integration.run.running import REPOSITORY, wait_for_end

PIPELINE = """
from sf_ml_framework import Column, DataCatalog, Dataset, NodeConfig, Project
from steps import count, fails, generate, waits

CATALOG = DataCatalog([
    Dataset(name="raw", columns=[Column(name="id", type="integer")]),
    Dataset(name="counted", kind="document"),
])
PROJECT = Project(name="small", catalog=CATALOG, pipeline=[
    NodeConfig(name="generate", function=generate, outputs="raw", params={"rows": 3}),
    NodeConfig(name="count", function=count, inputs={"table": "raw"}, outputs="counted"),
    NodeConfig(name="fails", function=fails, retries=1),
    NodeConfig(name="waits", function=waits),
])
"""
STEPS = """
import logging
import time

import pandas as pd


def generate(*, rows: int = 3) -> pd.DataFrame:
    print("generating")
    logging.getLogger("steps").info("logged %s", rows)
    return pd.DataFrame({"id": range(rows)})


def count(table: pd.DataFrame) -> dict:
    return {"rows": len(table)}


def fails():
    raise ValueError("no")


def waits():
    with open("begun", "w") as fifo:
        fifo.write("yes")
    time.sleep(600)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "ein Projekt für Tests"
    (folder / "src" / "utils").mkdir(parents=True)
    (folder / "mlops.yml").write_text("project: pipeline:PROJECT\n")
    (folder / "pipeline.py").write_text(PIPELINE)
    (folder / "steps.py").write_text(STEPS)
    shutil.copy(REPOSITORY / "src" / "utils" / "run_node.py", folder / "src" / "utils")
    return folder


def call(root: Path, *arguments: str, cwd: Path | None = None, **rest):
    """Run the program of the project as a person would, from *cwd*."""
    return subprocess.run(
        [sys.executable, str(root / "src" / "utils" / "run_node.py"), *arguments],
        check=False,
        cwd=cwd or root,
        capture_output=True,
        text=True,
        timeout=120,
        **rest,
    )


def last(root: Path):
    journal = SqliteJournal(root / FILE)
    run = journal.run("last")
    nodes = journal.node_runs(run.run_id)
    journal.close()
    return run, nodes


def test_a_node_runs_from_any_folder_and_is_recorded(root, tmp_path):
    done = call(root, "--node", "generate", "--inputs", '{"rows": 5}', cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "generating\n"
    assert "INFO steps: logged 5" in done.stderr
    assert "raw@v1.0.0, 5 rows, data/raw/v1.0.0.csv" in done.stderr
    assert "generate: succeeded in" in done.stderr
    run, (node,) = last(root)
    assert (run.status, run.selection, node.status) == ("succeeded", ("generate",), "succeeded")
    assert run.command == """run_node --node generate --inputs '{"rows": 5}'"""
    assert node.params == {"rows": 5}
    assert node.reason.kind == "forced"


def test_nodes_of_one_run_are_recorded_together(root):
    for name in ("generate", "count"):
        assert call(root, "--node", name, "--run-id", "graph-7").returncode == 0

    run, nodes = last(root)

    assert run.run_id == "graph-7"
    assert run.selection == ("generate", "count")
    assert [node.node for node in nodes] == ["generate", "count"]


def test_what_ran_here_is_skipped_by_a_later_run(root):
    assert call(root, "--node", "generate").returncode == 0
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, str(root)],
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )

    assert done.stdout.split() == ["succeeded", "generate:skipped", "count:succeeded"], done.stderr


COMPILE = """
import sys
from pathlib import Path
from sf_ml_framework.container.laptop import open_place
from sf_ml_framework.manifest.load import compiled
from sf_ml_framework.run.cache import Cache
from sf_ml_framework.run.journal import FILE, SqliteJournal
from sf_ml_framework.run.process import worker_command
from sf_ml_framework.run.runner import Runner, RunRequest
from sf_ml_framework.settings import LocalSettings
from tests.integration.run.running import Recorder

root = Path(sys.argv[1])
manifest, journal = compiled(root, "pipeline:PROJECT"), SqliteJournal(root / FILE)
place = open_place(root, LocalSettings())
cache = Cache(root, journal, place, manifest)
spawn = worker_command(root, LocalSettings())
runner = Runner(manifest, place, journal, cache, spawn, Recorder(), root=root)
run = runner.run(RunRequest(selection=("generate", "count")))
print(run.status, *(f"{node.node}:{node.status}" for node in journal.node_runs(run.run_id)))
"""


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--node", "fails"], 1, "node 'fails' failed: ValueError: no"),
        (["--node", "generat"], 2, "what to do: did you mean 'generate'?"),
        (["--node", "generate", "--inputs", "{rows: 5}"], 2, "--inputs is no JSON"),
        (["--node", "generate", "--inputs", '{"rows": "x"}'], 2, "'rows' of 'generate' is \"x\""),
        (["--node", "generate", "--run-id", "../x"], 2, "cannot be the id of a run"),
        (["--node", "count"], 3, "`mlops run --nodes generate`"),
        (["--node", "generate", "--project", "/"], 3, "is in no project"),
        ([], 2, "--node"),
    ],
)
def test_the_exit_code_says_who_must_act(root, arguments, code, told):
    done = call(root, *arguments)

    assert done.returncode == code
    assert told in done.stderr


def test_a_failed_node_shows_the_author_s_traceback_and_each_attempt(root):
    done = call(root, "--node", "fails")

    assert "steps.py" in done.stderr
    assert "sf_ml_framework" not in done.stderr.replace(str(REPOSITORY), "")
    assert "attempt 1 failed: node 'fails' failed: ValueError: no" in done.stderr
    assert last(root)[1][0].attempt == 2


def test_lines_can_be_json(root):
    done = call(root, "--node", "generate", "--log-format", "json")

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert {"logged 3", "generating"} <= {line["body"] for line in lines}
    assert {line["attributes"]["node"] for line in lines} == {"generate"}


def test_a_fault_of_the_pipeline_is_told_as_one(root):
    (root / "pipeline.py").write_text(PIPELINE.replace('outputs="raw"', 'outputs="rav"'))

    done = call(root, "--node", "generate")

    assert done.returncode == 2
    assert "pipeline.py:" in done.stderr


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_cleanly(root, number, code):
    os.mkfifo(root / "begun")
    started = subprocess.Popen(
        [sys.executable, str(root / "src" / "utils" / "run_node.py"), "--node", "waits"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert (root / "begun").open().read() == "yes"

    started.send_signal(number)
    errors = started.communicate(timeout=30)[1]

    assert started.returncode == code
    assert "waits: stopped by" in errors
    run, (node,) = last(root)
    assert (run.status, node.status) == ("cancelled", "cancelled")


def test_it_does_not_run_beside_another_run(root):
    with RunLock(root, Holder(run_id="1", pid=os.getpid(), command="mlops run")):
        done = call(root, "--node", "generate")

    assert done.returncode == 3
    assert "another run is going on in this folder: run 1" in done.stderr


def test_the_project_is_found_from_below_and_by_name(root, monkeypatch, capsys):
    monkeypatch.chdir(root / "src")
    assert main(["--node", "generat"]) == 2

    monkeypatch.chdir("/")
    assert main(["--node", "generat", "--project", str(root)]) == 2
    monkeypatch.setenv("MLOPS_PROJECT_DIR", str(root))
    assert main(["--node", "generat"]) == 2
    assert capsys.readouterr().err.count("did you mean 'generate'?") == 3


def test_a_worker_whose_run_is_gone_ends(root):
    """The run that started it may have been killed before its first node."""
    import socket

    here, there = socket.socketpair()
    command = [*worker_command(root, LocalSettings()), "--fd", str(there.fileno())]
    started = subprocess.Popen(command, pass_fds=(there.fileno(),), cwd=root)
    there.close()

    here.close()

    wait_for_end(started.pid)
    assert started.wait() == 0
