"""A node in this process: its attempts, its end, and how that is written down."""

import pytest

from sf_ml_framework.errors import PlatformError
from sf_ml_framework.run.interrupts import Stopped
from tests.unit.run.sharing import RUN, Shared

FAILS = """
from pathlib import Path


def flaky():
    seen = Path("seen.txt")
    times = len(seen.read_text()) if seen.exists() else 0
    seen.write_text("x" * (times + 1))
    if times < 2:
        raise ValueError(f"time {times + 1}")
    return {"times": times + 1}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    shared = Shared(tmp_path)
    yield shared
    shared.close()
    shared.place.close()


class Losing:
    """A journal that cannot be reached for what *lost* chooses."""

    def __init__(self, inner, lost):
        self._inner, self._lost = inner, lost

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def record_node(self, node_run):
        if self._lost(node_run):
            raise PlatformError("the connection to Snowflake failed", remedy="run again")
        self._inner.record_node(node_run)


def failing(project, text, **rest):
    project.write(f"def fails():\n    {text}\n")
    project.step("fails", **rest)


def test_a_node_is_tried_as_often_as_it_asks_and_tells_of_each(project):
    project.write(FAILS)
    project.step("flaky", outputs="result", retries=2)

    node_run = project.job_run("flaky")

    assert (node_run.status, node_run.attempt) == ("succeeded", 3)
    assert [note.partition(":")[0] for note in node_run.notes] == [
        "attempt 1 failed",
        "attempt 2 failed",
    ]


def test_after_the_last_attempt_it_has_failed(project):
    project.write(FAILS)
    project.step("flaky", outputs="result", retries=1)

    node_run = project.job_run("flaky")

    assert (node_run.status, node_run.attempt) == ("failed", 2)
    assert node_run.error == "node 'flaky' failed: ValueError: time 2"
    assert "flaky" in node_run.trace
    assert "sf_ml_framework" not in node_run.trace


def test_what_cannot_come_out_differently_is_not_tried_again(project):
    failing(project, "return None", outputs="result", retries=3)

    assert project.job_run("fails").attempt == 1


def test_a_node_that_cannot_be_imported_is_told(project):
    project.write("import nothing_like_this\n")
    project.step("gone", retries=3)

    node_run = project.job_run("gone")

    assert (node_run.status, node_run.attempt, node_run.exit_code) == ("failed", 1, 1)
    assert "nothing_like_this" in node_run.error


@pytest.mark.parametrize(
    "text",
    [
        "raise MemoryError",
        "import numpy; numpy.ones(2**60, dtype='u1')",
        "raise RuntimeError('std::bad_alloc')",
        "raise RuntimeError('Out of Memory Error: could not allocate block')",
    ],
)
def test_too_little_memory_says_what_to_raise(project, text):
    failing(project, text)

    node_run = project.job_run("fails")

    assert (node_run.status, node_run.exit_code) == ("failed", 1)
    assert "raise memory_request of its NodeConfig from 2Gi" in node_run.remedy


def test_half_a_character_in_an_error_is_spelled_out(project):
    r"""A file's name that is no UTF-8 comes as ``\udcff``, which JSON cannot hold."""
    failing(project, r"raise ValueError('file \udcff')")

    assert project.job_run("fails").error.endswith(r"file \udcff")
    assert project.recorded()["fails"].error.endswith(r"file \udcff")


def test_a_signal_is_recorded_and_goes_on_up(project):
    failing(
        project,
        "from sf_ml_framework.run.interrupts import Stopped; raise Stopped('SIGTERM')",
        retries=3,
    )

    with pytest.raises(Stopped):
        project.job_run("fails", alone=True)

    node_run = project.recorded()["fails"]
    assert (node_run.status, node_run.error, node_run.attempt) == (
        "cancelled",
        "stopped by SIGTERM",
        1,
    )
    assert project.journal.run(RUN).status == "cancelled"


def test_why_a_node_failed_survives_a_journal_that_cannot_be_reached(project):
    failing(project, "raise ValueError('the real reason')")
    journal = Losing(project.journal, lambda node_run: node_run.status == "failed")

    node_run = project.job_run("fails", journal=journal)

    assert (node_run.status, node_run.exit_code) == ("failed", 1)
    assert "the real reason" in node_run.error
    assert node_run.notes == ("this could not be recorded: the connection to Snowflake failed",)


def test_a_success_that_cannot_be_recorded_is_none(project):
    """Nobody would ever know of it, and the next run would do it again."""
    project.write("def makes():\n    return {'a': 1}\n")
    project.step("makes", outputs="made")
    journal = Losing(project.journal, lambda node_run: node_run.status == "succeeded")

    with pytest.raises(PlatformError, match="connection to Snowflake failed"):
        project.job_run("makes", journal=journal)


def test_a_stop_that_cannot_be_recorded_still_stops(project):
    failing(project, "raise KeyboardInterrupt")
    journal = Losing(project.journal, lambda node_run: node_run.status == "cancelled")

    with pytest.raises(KeyboardInterrupt):
        project.job_run("fails", journal=journal)


def test_where_recording_the_beginning_fails_the_node_has_not_run(project):
    project.write("from pathlib import Path\n\ndef fails():\n    Path('ran').touch()\n")
    project.step("fails")
    journal = Losing(project.journal, lambda node_run: node_run.status == "running")

    node_run = project.job_run("fails", journal=journal)

    assert (node_run.status, node_run.exit_code) == ("failed", 4)
    assert not (project.root / "ran").exists()
