"""Nodes that fail in every way a process can, and what is told of it."""

import os
import sys
from pathlib import Path

import msgspec
import pytest

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.run.overrides import Overrides
from tests.integration.run.running import Project, wait_for_end


@pytest.fixture
def branches(project: Project) -> Project:
    """breaks -> needs, and beside them first -> second."""
    project.node("first", outputs="a")
    project.node("breaks", outputs="b", timeout_seconds=30)
    project.node("needs", inputs={"value": "b"}, outputs="c")
    project.node("second", inputs={"value": "a"}, outputs="d")
    return project


def breaking(body):
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"""
import ctypes, os, signal, subprocess, sys, time, threading

def first():
    return {{"n": 1}}

def needs(value):
    return value

def second(value):
    return value

def breaks():
{lines}
"""


@pytest.mark.parametrize(
    ("body", "kind", "told", "remedy"),
    [
        ("raise ValueError('no')", "ValueError", "node 'breaks' failed: ValueError: no", ""),
        ("return None", "ResultError", "returned nothing, and its outputs ask for 'b'", "return"),
        ("sys.exit(3)", "exit", "node 'breaks' called sys.exit(3)", "return from the function"),
        ("os._exit(3)", "exit", "node 'breaks' ended its process with exit code 3", "return"),
        ("ctypes.string_at(0)", "signal", "node 'breaks' was ended by SIGSEGV", "crashed"),
        ("os.abort()", "signal", "node 'breaks' was ended by SIGABRT", "crashed"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "signal",
            "node 'breaks' was ended by SIGKILL",
            "ran out of memory",
        ),
        (
            "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(600)",
            "signal",
            "node 'breaks' was told to end from outside of the run",
            "run again",
        ),
        ("import not_there", "ModuleNotFoundError", "No module named 'not_there'", ""),
    ],
)
def test_a_node_that_fails_is_told_and_the_other_branch_goes_on(branches, body, kind, told, remedy):
    branches.source(breaking(body))

    ran = branches.run(workers=1)

    assert ran.record.status == "failed"
    assert ran.statuses == {
        "first": "succeeded",
        "breaks": "failed",
        "second": "succeeded",
        "needs": "cancelled",
    }
    broken = ran.nodes["breaks"]
    assert broken.error_kind == kind
    assert told in broken.error
    assert remedy in broken.remedy
    assert broken.exit_code == 1
    assert ran.nodes["needs"].reason.detail == "not started, for 'breaks' failed"
    assert ran.resume_command == "mlops run"


def test_the_author_s_traceback_is_kept_without_ours(branches):
    branches.source(breaking("print('before')\nreturn 1 / 0"))

    broken = branches.run().nodes["breaks"]

    frames = [line for line in broken.trace.splitlines() if line.startswith("  File ")]
    assert len(frames) == 1
    assert f'"{branches.root}/nodes.py", line' in frames[0]
    assert broken.trace.endswith("ZeroDivisionError: division by zero")
    assert broken.log_tail == ("before",)


def test_a_crash_of_c_code_leaves_its_stack_in_the_log(branches):
    branches.source(breaking("print('before')\nctypes.string_at(0)"))

    tail = "\n".join(branches.run().nodes["breaks"].log_tail)

    assert "Fatal Python error: Segmentation fault" in tail
    assert "in breaks" in tail


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(600)",
        "while True: pass",
        # Swallows what stops it, so it has to be killed.
        "while True:\n    try:\n        time.sleep(600)\n    except BaseException:\n        pass",
        # In code that does not listen.
        "ctypes.CDLL(None).sleep(600)\nctypes.CDLL(None).sleep(600)",
        # Waits for a process that would go on.
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])",
    ],
)
def test_a_node_that_hangs_is_stopped_at_its_timeout(project, body):
    project.source(breaking(body))
    project.node("breaks", timeout_seconds=1)
    project.node("first", outputs="a")

    ran = project.run(workers=1)

    assert ran.statuses == {"breaks": "failed", "first": "succeeded"}
    assert ran.nodes["breaks"].error_kind == "timeout"
    assert ran.nodes["breaks"].error == "node 'breaks' was stopped after 1 s, its timeout"
    assert "timeout_minutes" in ran.nodes["breaks"].remedy


def test_a_node_that_hung_once_is_tried_again(project):
    project.source(
        """
        import os, time

        def slow():
            if not os.path.exists("tried"):
                open("tried", "w").close()
                time.sleep(600)
        """
    )
    project.node("slow", timeout_seconds=1, retries=1)

    node = project.run().nodes["slow"]

    assert (node.status, node.attempt) == ("succeeded", 2)
    assert node.notes == ("attempt 1 failed: node 'slow' was stopped after 1 s, its timeout",)


def test_a_child_that_a_node_ends_ends_quietly(project):
    """A pool of forked processes is ended with SIGTERM, which must mean nothing of ours there."""
    project.source(
        """
        import multiprocessing, time

        def pools():
            with multiprocessing.get_context("fork").Pool(2) as pool:
                return pool.map(abs, [-1, -2])
        """
    )
    project.node("pools")

    ran = project.run()

    assert ran.nodes["pools"].return_value == [1, 2]
    assert project.log(ran, "pools") == ""


def test_where_a_node_hung_is_told(project):
    project.source(breaking("time.sleep(600)"))
    project.node("breaks", timeout_seconds=1)

    trace = project.run().nodes["breaks"].trace

    assert "time.sleep(600)" in trace


def test_what_a_killed_node_had_started_is_ended_too(project):
    """The child holds the socket open and would outlive the run."""
    project.source(
        breaking(
            "if child := os.fork():\n"
            "    open('child', 'w').write(str(child))\n"
            "    os._exit(0)\n"
            "time.sleep(600)"
        )
    )
    project.node("breaks")

    ran = project.run()

    assert ran.nodes["breaks"].error_kind == "exit"
    wait_for_end(int((project.root / "child").read_text()))


@pytest.fixture
def flaky(project: Project) -> Project:
    """A node that succeeds at its third attempt."""
    project.source(
        """
        import os

        def flaky():
            open("attempts", "a").write("x")
            attempt = os.path.getsize("attempts")
            print("attempt", attempt)
            if attempt == 1:
                raise ConnectionError("not yet")
            if attempt == 2:
                os._exit(1)
            return {"attempt": attempt}
        """
    )
    return project


def test_a_node_is_tried_again_as_often_as_it_declares(flaky):
    flaky.node("flaky", outputs="a", retries=2)

    ran = flaky.run()

    node = ran.nodes["flaky"]
    assert (node.status, node.attempt) == ("succeeded", 3)
    assert node.notes == (
        "attempt 1 failed: node 'flaky' failed: ConnectionError: not yet",
        "attempt 2 failed: node 'flaky' ended its process with exit code 1",
    )
    assert [event for event in ran.events if "started, attempt" in event] == [
        f"flaky started, attempt {number}" for number in (1, 2, 3)
    ]
    log = flaky.log(ran, "flaky")
    assert "ConnectionError: not yet" in log
    assert log.index("--- attempt 1 failed") < log.index("attempt 2\n") < log.index("attempt 3\n")


def test_a_node_is_tried_no_more_than_it_declares(flaky):
    flaky.node("flaky", outputs="a", retries=1)

    node = flaky.run().nodes["flaky"]

    assert (node.status, node.attempt) == ("failed", 2)
    assert "exit code 1" in node.error
    assert len(node.notes) == 1


def test_what_would_fail_the_same_way_is_not_tried_again(project):
    project.source("def short():\n    open('attempts', 'a').write('x')\n    return 1")
    project.node("short", outputs=["a", "b"], retries=5)

    assert project.run().nodes["short"].attempt == 1
    assert (project.root / "attempts").read_text() == "x"


def test_a_failure_can_stop_the_rest(project):
    project.source(breaking("raise ValueError('no')"))
    project.node("breaks")
    project.node("first", outputs="a")

    ran = project.run(workers=1, keep_going=False)

    assert ran.statuses == {"breaks": "failed", "first": "cancelled"}


def test_the_command_that_resumes_repeats_what_was_changed(branches):
    branches.specs[1] = msgspec.structs.replace(branches.specs[1], params={"bad": 1})
    branches.source(breaking("raise ValueError(bad)").replace("breaks()", "breaks(bad)"))

    ran = branches.run(
        overrides=Overrides(inputs={"breaks.bad": "a b"}), flags=("--data-format", "parquet")
    )

    assert ran.resume_command == (
        """mlops run --inputs '{"breaks.bad": "a b"}' --data-format parquet"""
    )


def test_after_mending_the_code_the_same_command_goes_on(branches):
    branches.source(breaking("raise ValueError('no')"))
    branches.run()
    branches.source(breaking("return {'n': 2}"))

    ran = branches.run()

    assert ran.statuses == {
        "first": "skipped",
        "second": "skipped",
        "breaks": "succeeded",
        "needs": "succeeded",
    }


@pytest.mark.parametrize(
    ("spawn", "told"),
    [
        ([sys.executable, "-c", "raise SystemExit('no place to work')"], "no place to work"),
        ([sys.executable, "-c", "import not_there"], "No module named 'not_there'"),
    ],
)
def test_a_worker_that_cannot_start_is_the_operator_s(branches, spawn, told):
    branches.source(breaking("return {}"))

    ran = branches.run(spawn=spawn)

    assert ran.statuses["first"] == "failed"
    assert "a worker process did not start" in ran.nodes["first"].error
    assert told in ran.nodes["first"].error
    assert ran.nodes["first"].exit_code == 3


def test_a_worker_program_that_is_not_there_is_the_operator_s(branches):
    branches.source(breaking("return {}"))

    with pytest.raises(OperatorError, match="a worker process cannot be started"):
        branches.run(spawn=["no-such-program"])

    assert branches.journal.run("last").status == "cancelled"


def test_an_input_that_goes_bad_on_the_way_fails_its_reader_alone(branches):
    """``second`` waits for ``first`` alone, so it is made to wait for what damages its input."""
    branches.specs[3] = msgspec.structs.replace(branches.specs[3], dependencies=("breaks", "first"))
    branches.source(breaking("open('data/a/v1.0.0.pkl', 'w').write('half')\nreturn {}"))

    ran = branches.run(workers=1)

    assert ran.statuses == {
        "first": "succeeded",
        "breaks": "succeeded",
        "needs": "succeeded",
        "second": "failed",
    }
    assert ran.nodes["second"].error == "a@v1.0.0 is not there"
    assert ran.nodes["second"].exit_code == 3


def test_a_disk_that_refuses_is_told_and_leaves_the_old_data(project):
    project.source("def makes(*, n=1):\n    return {'n': n}")
    project.node("makes", outputs="a", params={"n": 1}, retries=3)
    project.run()
    old = (project.root / "data" / "a" / "v1.0.0.pkl").read_bytes()
    # A folder where the temporary file should be: what a full disk would do, at the same call.
    (project.root / "data" / "a" / "v1.0.0.tmp").mkdir()

    ran = project.run(overrides=Overrides(params={"n": "2"}))

    assert ran.nodes["makes"].error_kind == "DataError"
    assert ran.nodes["makes"].exit_code == 3
    assert ran.nodes["makes"].attempt == 1
    assert (project.root / "data" / "a" / "v1.0.0.pkl").read_bytes() == old


def test_a_corrupt_journal_stops_a_run_before_it_begins_and_can_be_moved_aside(branches):
    branches.source(breaking("return {}"))
    branches.run()
    branches.journal.close()
    branches.journal.file.write_bytes(b"no database at all" * 100)

    with pytest.raises(OperatorError) as caught:
        branches.run()

    assert "mlops clean --journal" in caught.value.remedy
    assert branches.place.find(branches.datasets["b"], "v1.0.0") is not None
    branches.journal.move_aside()
    assert branches.run().record.status == "succeeded"


def test_a_run_that_cannot_keep_its_records_does_not_begin(branches):
    branches.source(breaking("return {}"))
    (branches.root / ".mlops").write_text("a file where a folder should be")

    with pytest.raises(OperatorError) as caught:
        branches.run()

    assert "right to write" in caught.value.remedy
    assert not (branches.root / "data").exists()


def test_no_process_is_left_behind(branches):
    branches.source(breaking("return {'pid': os.getpid()}"))

    branches.run()

    assert children_of(os.getpid()) == []


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
