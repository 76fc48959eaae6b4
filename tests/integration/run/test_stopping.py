"""Runs that end before their time: Ctrl-C, SIGTERM, kill -9, and two at once."""

import os
import signal
import subprocess
import sys
import time

import pytest

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.run.lock import FILE, read_holder
from tests.integration.run.running import Project, Recorder, wait_for_end

WAITS = """
import os, signal, time

def quick():
    return {"n": 1}

def waits(value):
    say()
    time.sleep(600)
    return {}

def after(value):
    return {}

def deaf(value):
    said = False
    while True:
        try:
            said = said or say()
            time.sleep(600)
        except BaseException:
            pass

def saves(value):
    return slowly

def slowly():
    say()
    time.sleep(600)

def say():
    with open("begun", "w") as fifo:
        fifo.write(str(os.getpid()))
    return True
"""


@pytest.fixture
def waiting(project: Project) -> Project:
    """quick -> waits -> after; ``waits`` writes its process into a pipe and sleeps."""
    project.source(WAITS)
    os.mkfifo(project.root / "begun")
    project.node("quick", outputs="a")
    project.node("waits", inputs={"value": "a"}, outputs="b")
    project.node("after", inputs={"value": "b"}, outputs="c")
    return project


def begun(project: Project, started: "subprocess.Popen[str]") -> int:
    """Wait until the node that waits has begun, and return its process."""
    with (project.root / "begun").open() as fifo:
        pid = int(fifo.read())
    assert started.poll() is None
    return pid


def statuses(project: Project) -> dict[str, str]:
    run = project.journal.run("last")
    return {"run": run.status, **{n.node: n.status for n in project.journal.node_runs(run.run_id)}}


CANCELLED = {"run": "cancelled", "quick": "succeeded", "waits": "cancelled", "after": "cancelled"}


@pytest.mark.parametrize(
    ("number", "name"),
    [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")],
)
def test_a_run_that_is_told_to_stop_ends_its_nodes_and_its_record(waiting, number, name):
    started = waiting.start()
    worker = begun(waiting, started)

    # The terminal sends Ctrl-C to the whole group; the workers must not hear it.
    os.killpg(started.pid, number)
    output, errors = started.communicate(timeout=30)

    assert started.returncode == 1, errors
    assert output.splitlines()[-3:] == ["after cancelled", "waits cancelled", "run cancelled"]
    assert statuses(waiting) == CANCELLED
    nodes = {n.node: n for n in waiting.journal.node_runs(waiting.journal.run("last").run_id)}
    assert nodes["waits"].error == f"stopped by {name}"
    assert nodes["after"].reason.detail == f"not started, for the run was stopped by {name}"
    assert waiting.journal.run("last").seconds > 0
    wait_for_end(worker, 0)


def test_after_ctrl_c_the_same_command_goes_on_where_it_stopped(waiting):
    started = waiting.start()
    begun(waiting, started)
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=30)
    waiting.source(WAITS.replace("    time.sleep(600)\n    return {}", "    return {}"))
    reader = os.open(waiting.root / "begun", os.O_RDONLY | os.O_NONBLOCK)

    ran = waiting.run()

    os.close(reader)
    assert ran.statuses == {"quick": "skipped", "waits": "succeeded", "after": "succeeded"}


def test_a_node_that_does_not_listen_is_killed_after_its_grace(project):
    project.source(WAITS)
    os.mkfifo(project.root / "begun")
    project.node("quick", outputs="a")
    project.node("deaf", inputs={"value": "a"}, outputs="b")
    started = project.start()
    worker = begun(project, started)

    started.send_signal(signal.SIGINT)
    started.communicate(timeout=30)

    assert statuses(project)["deaf"] == "cancelled"
    wait_for_end(worker, 0)


def test_a_second_ctrl_c_does_not_wait(project):
    project.source(WAITS)
    os.mkfifo(project.root / "begun")
    project.node("quick", outputs="a")
    project.node("deaf", inputs={"value": "a"}, outputs="b")
    project.node("rest", inputs={"value": "b"}, function="nodes:after")
    started = project.start()
    begun(project, started)

    started.send_signal(signal.SIGINT)
    for line in started.stdout:
        if line == "rest cancelled\n":
            break
    before = time.monotonic()
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=30)

    assert time.monotonic() - before < 1.9
    assert statuses(project) == {
        "run": "cancelled",
        "quick": "succeeded",
        "deaf": "cancelled",
        "rest": "cancelled",
    }


def test_a_dataset_that_is_being_saved_keeps_its_old_version(project):
    project.source(WAITS)
    os.mkfifo(project.root / "begun")
    project.node("quick", outputs="a")
    project.node("saves", inputs={"value": "a"}, outputs="b")
    old = project.place.save(project.datasets["b"], "v1.0.0", {"old": True})
    started = project.start()
    begun(project, started)

    started.send_signal(signal.SIGINT)
    started.communicate(timeout=30)

    assert statuses(project)["saves"] == "cancelled"
    assert project.place.find(project.datasets["b"], "v1.0.0") == old


def test_after_kill_9_the_workers_go_and_the_next_run_tells_the_truth(waiting):
    started = waiting.start()
    worker = begun(waiting, started)
    dead = waiting.journal.run("last").run_id

    started.kill()
    started.communicate(timeout=30)
    wait_for_end(worker)
    assert statuses(waiting) == {"run": "running", "quick": "succeeded", "waits": "running"}
    waiting.run("quick")

    assert waiting.journal.run(dead).status == "cancelled"
    nodes = {node.node: node.status for node in waiting.journal.node_runs(dead)}
    assert nodes == {"quick": "succeeded", "waits": "cancelled"}


def test_after_kill_9_a_worker_that_does_not_listen_goes_too(project):
    project.source(WAITS)
    os.mkfifo(project.root / "begun")
    project.node("quick", outputs="a")
    project.node("deaf", inputs={"value": "a"}, outputs="b")
    started = project.start()
    worker = begun(project, started)

    started.kill()
    started.communicate(timeout=30)

    wait_for_end(worker)


def test_a_second_run_in_the_same_folder_is_refused_by_name(waiting):
    started = waiting.start()
    begun(waiting, started)

    with pytest.raises(OperatorError) as caught:
        waiting.run("quick")

    run_id = waiting.journal.run("last").run_id
    assert f"run {run_id}, process {started.pid}, `mlops run`" in str(caught.value)
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=30)
    assert len(waiting.journal.runs()) == 1


def test_a_second_run_may_wait_for_the_first(waiting):
    started = waiting.start()
    begun(waiting, started)
    second = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path\n"
            "from tests.integration.run.running import Project\n"
            "project = Project(Path(sys.argv[1]))\n"
            "project.node('quick', outputs='a')\n"
            "print(project.run(wait=True).statuses)",
            str(waiting.root),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "waiting for another run: run " in second.stderr.readline()

    started.send_signal(signal.SIGINT)
    started.communicate(timeout=30)

    assert second.communicate(timeout=30)[0] == "{'quick': 'skipped'}\n"
    assert [run.status for run in waiting.journal.runs()] == ["succeeded", "cancelled"]


class Broken(Recorder):
    """An observer that fails, as one does whose terminal went away."""

    def node_finished(self, node_run):
        super().node_finished(node_run)
        raise BrokenPipeError


def test_when_nobody_can_be_told_the_run_ends_cleanly(waiting):
    from sf_ml_framework.run.runner import RunRequest

    told = Broken()

    with pytest.raises(BrokenPipeError):
        waiting.runner(told).run(RunRequest(selection=("quick", "waits", "after")))

    assert told.events[-1] == "quick succeeded"
    assert waiting.journal.run("last").status == "cancelled"
    assert read_holder(waiting.root / FILE) is None


def test_signals_mean_what_they_meant_before(project):
    project.source("def quick():\n    return {}")
    project.node("quick", outputs="a")
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    project.run()

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
