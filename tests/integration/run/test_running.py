"""Whole runs with real workers: order, data, skipping, and what is kept of them."""

import json
import subprocess
from contextlib import nullcontext
from threading import Thread

import pytest

from sf_ml_framework.errors import DataError, UsageError
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.process import WorkerProcess
from tests.integration.run.running import Project


@pytest.fixture
def chain(project: Project) -> Project:
    """make -> double -> tell."""
    project.source(
        """
        def make(*, n=1):
            return {"n": n}


        def double(value):
            print("doubling", value["n"])
            return {"n": value["n"] * 2}


        def tell(value):
            return {"told": value["n"]}
        """
    )
    project.node("make", outputs="one", params={"n": 1}, param_types={"n": "integer"})
    project.node("double", inputs={"value": "one"}, outputs="two")
    project.node("tell", inputs={"value": "two"})
    return project


def value(project, dataset, version="v1.0.0"):
    return project.place.load(project.datasets[dataset], version, frame="any")


def test_nodes_run_in_order_and_hand_on_what_they_make(chain):
    ran = chain.run()

    assert ran.record.status == "succeeded"
    assert ran.events[1:-1] == [
        "make started, attempt 1",
        "make succeeded",
        "double started, attempt 1",
        "double succeeded",
        "tell started, attempt 1",
        "tell succeeded",
    ]
    assert value(chain, "two") == {"n": 2}
    assert ran.nodes["tell"].return_value == {"told": 2}
    assert ran.resume_command == ""


def test_what_is_known_of_a_node_is_recorded(chain):
    double = chain.run().nodes["double"]

    assert double.reason.kind == "first_run"
    assert double.log_tail == ("doubling 1",)
    assert double.seconds > 0
    assert double.peak_memory_bytes > 2**20
    assert [each.dataset for each in double.inputs] == ["one"]
    assert [each.dataset for each in double.outputs] == ["two"]
    assert double.key is not None
    assert double.started.endswith("+00:00")


def test_an_unchanged_run_starts_no_worker_and_keeps_the_results(chain):
    first = chain.run("make", "double")

    again = chain.run("make", "double", spawn=["no-such-program"])

    assert again.statuses == {"make": "skipped", "double": "skipped"}
    assert again.nodes["double"].outputs == first.nodes["double"].outputs
    assert again.nodes["double"].reason.kind == "unchanged"
    assert not (chain.root / ".mlops" / "runs" / again.record.run_id).exists()


def test_an_equal_output_stops_what_follows(chain):
    """Early cutoff: the node ran again, and what it made is what was there."""
    chain.run("make", "double")
    source = chain.root / "nodes.py"
    source.write_text(source.read_text().replace('{"n": n}', '{"n": n + 0}'))

    again = chain.run("make", "double")

    assert again.statuses == {"make": "succeeded", "double": "skipped"}
    assert again.nodes["make"].reason.kind == "code_changed"


def test_a_changed_parameter_runs_the_node_and_what_depends_on_it(chain):
    chain.run("make", "double")

    again = chain.run("make", "double", overrides=Overrides(params={"n": "5"}))

    assert again.statuses == {"make": "succeeded", "double": "succeeded"}
    assert again.nodes["make"].reason.kind == "params_changed"
    assert again.nodes["make"].params == {"n": 5}
    assert again.record.overrides == {"params": {"n": "5"}}
    assert value(chain, "two") == {"n": 10}


def test_force_skips_nothing(chain):
    chain.run("make", "double")

    again = chain.run("make", "double", force=True)

    assert again.statuses == {"make": "succeeded", "double": "succeeded"}
    assert again.nodes["double"].reason.kind == "forced"


def test_a_version_written_elsewhere_is_read_by_what_follows(chain):
    chain.run("make", "double")
    again = chain.run(
        "make", "double", overrides=Overrides(inputs={"n": 7}, outputs={"make.one": "one@v2"})
    )

    assert value(chain, "one") == {"n": 1}
    assert value(chain, "one", "v2") == {"n": 7}
    assert value(chain, "two") == {"n": 14}
    assert again.nodes["double"].inputs[0].version == "v2"


def test_a_file_can_take_the_place_of_an_input(chain):
    (chain.root / "other.csv").write_text("a,b")
    chain.source("def double(value):\n    return value")

    chain.run("double", overrides=Overrides(inputs={"value": "other.csv"}))

    assert value(chain, "two") == "a,b"


def test_a_part_whose_inputs_are_missing_does_not_begin(chain):
    with pytest.raises(DataError) as caught:
        chain.run("double")

    assert "'value' of node 'double' is missing: one@v1.0.0" in str(caught.value)
    assert "`mlops run --nodes make`" in caught.value.remedy
    assert chain.journal.runs() == []


def test_a_wrong_override_is_refused_before_anything_begins(chain):
    with pytest.raises(UsageError):
        chain.run(overrides=Overrides(inputs={"m": 7}))

    assert not (chain.root / ".mlops").exists()


def test_skipped_nodes_keep_the_metrics_of_the_run_that_made_them(project):
    project.source(
        """
        from sf_ml_framework import Report

        def judge():
            return Report(title="Judged", metrics={"auc": 0.75})
        """
    )
    project.node("judge", outputs="verdict", kind="report")

    first, second = project.run(), project.run()

    assert first.nodes["judge"].metrics == {"auc": 0.75}
    assert second.statuses == {"judge": "skipped"}
    assert second.nodes["judge"].metrics == {"auc": 0.75}


def test_independent_branches_run_at_the_same_time(project):
    """Each of two nodes waits until the other has begun; one at a time they would wait forever."""
    project.source(
        """
        import os

        def left():
            meet("left", "right")

        def right():
            meet("right", "left")

        def meet(mine, other):
            with open(mine, "w") as written:
                written.write(str(os.getpid()))
            while not os.path.exists(other):
                os.sched_yield()
        """
    )
    project.node("left", timeout_seconds=50)
    project.node("right", timeout_seconds=50)

    ran = project.run(workers=2)

    assert ran.record.status == "succeeded"
    assert (project.root / "left").read_text() != (project.root / "right").read_text()


def test_one_worker_runs_one_node_at_a_time(project):
    project.source(
        """
        import os

        def one():
            return alone()

        def two():
            return alone()

        def alone():
            os.mkdir("occupied")  # fails when another is in here
            os.rmdir("occupied")
            return os.getpid()
        """
    )
    project.node("one")
    project.node("two")

    ran = project.run(workers=1)

    assert ran.record.status == "succeeded"
    assert ran.nodes["one"].return_value == ran.nodes["two"].return_value


def test_a_chain_stays_with_the_worker_that_has_its_data(project):
    """Two chains side by side; each goes on where its input was made."""
    project.source(
        """
        import os

        def first(): return {"pid": os.getpid(), "wait": wait_for("first", "second")}
        def second(): return {"pid": os.getpid(), "wait": wait_for("second", "first")}
        def third(value): return {"before": value["pid"], "pid": os.getpid()}
        def fourth(value): return {"before": value["pid"], "pid": os.getpid()}

        def wait_for(mine, other):
            open(mine, "w").close()
            while not os.path.exists(other):
                os.sched_yield()
        """
    )
    project.node("first", outputs="a")
    project.node("second", outputs="b")
    project.node("third", inputs={"value": "a"}, outputs="c")
    project.node("fourth", inputs={"value": "b"}, outputs="d")

    ran = project.run(workers=2)

    assert ran.record.status == "succeeded"
    for dataset in "cd":
        found = value(project, dataset)
        assert found["before"] == found["pid"]


def test_everything_that_a_node_prints_is_in_its_log(project):
    project.source(
        """
        import logging, os, subprocess, sys, warnings

        def talks():
            print("plain")
            print("error", file=sys.stderr)
            logging.getLogger("mine").info("logged")
            os.write(1, b"raw\\n")
            subprocess.run(["echo", "child"], check=True)
            sys.stdout = None  # what an author breaks is mended for the next node

        def closes():
            sys.stdout.close()
            sys.stderr.close()

        def after():
            print("still heard")
            logging.getLogger("mine").info("logged again")
        """
    )
    project.node("talks")
    project.node("closes", dependencies=["talks"])
    project.node("after", dependencies=["closes"])

    ran = project.run(workers=1)

    assert ran.record.status == "succeeded"
    log = project.log(ran, "talks")
    assert log.splitlines()[0] == "plain"
    assert {"error", "raw", "child"} <= set(log.splitlines())
    assert "INFO mine: logged" in log
    assert project.log(ran, "after").startswith("still heard\n")
    assert project.log(ran, "after").endswith("INFO mine: logged again\n")


def test_every_node_begins_in_the_project_s_folder(project):
    project.source(
        """
        import os

        def moves():
            os.chdir("/")

        def stays():
            return os.getcwd()
        """
    )
    project.node("moves")
    project.node("stays", dependencies=["moves"])

    assert project.run(workers=1).nodes["stays"].return_value == str(project.root)


def test_a_run_in_a_repository_knows_its_commit(chain):
    (chain.root / ".gitignore").write_text(".mlops\ndata\n")
    for words in ("init -q", "add .", "commit -q -m x"):
        # Whatever this machine has configured for git, the test has its own.
        options = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "core.hooksPath=/dev/null"]
        subprocess.run(["git", *options, *words.split()], cwd=chain.root, check=True)

    clean = chain.run("make").record
    (chain.root / "nodes.py").write_text("def make(*, n=1):\n    return {'n': 2}\n")
    dirty = chain.run("make").record

    assert len(clean.git_commit) == 40
    assert not clean.git_dirty
    assert dirty.git_commit == clean.git_commit
    assert dirty.git_dirty


def test_a_run_need_not_be_in_the_main_thread(chain):
    """There it hears no signals, and that is all."""
    found = []

    def run_there():
        there = Project(chain.root)
        there.specs, there.datasets = chain.specs, chain.datasets
        found.append(there.run().statuses)
        there.close()

    thread = Thread(target=run_there)
    thread.start()
    thread.join()

    assert found == [dict.fromkeys(("make", "double", "tell"), "succeeded")]


def test_a_record_can_be_read_as_json(chain):
    import msgspec

    ran = chain.run()

    for each in (ran.record, *ran.nodes.values()):
        assert json.loads(msgspec.json.encode(each))["run_id"] == ran.record.run_id


def test_a_worker_that_was_started_ahead_is_the_first_to_work(project):
    project.source("import os\ndef where():\n    return os.getpid()")
    project.node("where")
    early = WorkerProcess(project.spawn, project.root)

    ran = project.run(early=early)

    assert ran.nodes["where"].return_value == early.process.pid
    assert early.process.returncode == 0


def test_a_worker_that_was_started_in_vain_is_ended(chain):
    chain.run("make", "double")
    for nodes, error in ((["make", "double"], None), (["tell", "make"], UsageError)):
        early = WorkerProcess(chain.spawn, chain.root)
        overrides = Overrides(inputs={"m": 1}) if error else None

        with pytest.raises(error) if error else nullcontext():
            chain.run(*nodes, early=early, overrides=overrides)

        assert early.process.returncode is not None
