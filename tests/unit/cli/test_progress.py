"""Progress: plain lines where nobody looks on, a moving list on a terminal."""

import pytest

from sf_ml_framework.cli.nodeline import NodeLine, Widths, line_of
from sf_ml_framework.cli.progress import Lines, Progress, progress_on
from sf_ml_framework.manifest.model import NodeSpec
from sf_ml_framework.run.records import Reason
from tests.unit.cli.records import node_run, run_record, saved
from tests.unit.cli.streams import Stream, output_to, plain

FIRST = Reason(kind="first_run")
MAKE = NodeSpec(name="make", function="shop:make")


@pytest.fixture(autouse=True)
def _terminal(monkeypatch):
    """A terminal that can move its cursor, of the size that each stream says."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def told(progress, stream):
    """Let a run of two nodes pass, one skipped, and return what was written."""
    progress.run_started(run_record(status="running"))
    progress.node_started(MAKE, FIRST, 1)
    progress.tick()
    progress.node_finished(node_run("make"))
    progress.node_finished(node_run("clean", status="skipped", reason=Reason(kind="unchanged")))
    progress.run_finished(run_record(), "")
    return stream.getvalue()


def test_in_a_file_every_node_has_one_line():
    output, out, _ = output_to()

    text = told(Lines(output, out), out)

    assert text.splitlines() == [
        "run 20261123-120000-ab12: 2 nodes of shop",
        "[1/2] succeeded  make       1.25 s       1,000 rows  first run",
        "[2/2] skipped    clean                   1,000 rows  unchanged",
    ]


def test_a_node_that_runs_long_is_mentioned_now_and_then():
    clock = Clock()
    output, out, _ = output_to()
    progress = Lines(output, out, clock=clock)
    progress.run_started(run_record())
    progress.node_started(MAKE, FIRST, 1)

    for clock.now in (10.0, 31.0, 32.0, 62.0):
        progress.tick()

    assert [line.strip() for line in out.getvalue().splitlines()[1:]] == [
        "make runs since 31.0 s",
        "make runs since 1 min 02 s",
    ]


def test_another_attempt_is_told():
    output, out, _ = output_to()
    progress = Lines(output, out)
    progress.run_started(run_record())

    progress.node_started(MAKE, FIRST, 1)
    progress.node_started(MAKE, FIRST, 2)
    progress.node_finished(node_run("make", attempt=2))

    assert "make: attempt 2" in out.getvalue()
    assert "first run (attempt 2)" in out.getvalue()


def test_verbose_shows_what_a_node_printed():
    output, out, _ = output_to()
    progress = Lines(output, out, verbose=True)
    progress.run_started(run_record())

    progress.node_finished(node_run("make", log_tail=("reading", "done")))

    assert out.getvalue().splitlines()[-2:] == ["      | reading", "      | done"]


def test_on_a_terminal_what_ended_stays_and_the_rest_is_cleared():
    output, out, _ = output_to(Stream(terminal=True))

    text = told(progress_on(output, out), out)

    assert "✓ make       1.25 s       1,000 rows  first run\n" in plain(text)
    assert "≡ clean                   1,000 rows  unchanged\n" in plain(text)
    assert "\x1b[?25h" in text, "the cursor is shown again"


def test_a_terminal_without_unicode_gets_plain_marks():
    """The stream raises on what it cannot encode, as a real one would."""
    output, out, _ = output_to(Stream(terminal=True, encoding="ascii"))

    text = told(progress_on(output, out), out)

    assert "+ make" in plain(text)
    assert "= clean" in plain(text)


@pytest.mark.parametrize("width", ["20", "40", "80", "200"])
def test_no_line_is_wider_than_the_terminal(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("LINES", "10")
    monkeypatch.setenv("NO_COLOR", "1")
    output, out, _ = output_to(Stream(terminal=True))
    long = Reason(kind="code_changed", detail="shop.nodes:make_a_great_many_orders " * 5)
    progress = progress_on(output, out)

    progress.run_started(run_record(selection=tuple(f"node_{number:02}" for number in range(30))))
    progress.node_started(NodeSpec(name="node_00", function="shop:make"), long, 1)
    progress.tick()
    progress.node_finished(node_run("node_00", reason=long))
    progress.close()

    lines = plain(out.getvalue()).replace("\r", "\n").splitlines()
    assert max(map(len, lines)) <= int(width)


def test_the_moving_part_leaves_room_on_a_small_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "8")
    output, out, _ = output_to(Stream(terminal=True))
    progress = progress_on(output, out)

    progress.run_started(run_record(selection=tuple(f"node_{number:02}" for number in range(30))))
    drawn = out.getvalue()
    progress.close()

    assert "node_00" in drawn
    assert "27 nodes more" in drawn
    assert "node_03" not in drawn


def test_quiet_tells_nothing_and_still_knows_how_to_resume():
    output, out, err = output_to(Stream(terminal=True), quiet=True)
    progress = progress_on(output, out)

    told(progress, out)
    progress.run_finished(run_record(), "mlops run --from clean")

    assert type(progress) is Progress
    assert progress.resume_command == "mlops run --from clean"
    assert (out.getvalue(), err.getvalue()) == ("", "")


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            node_run(outputs=(saved("a", rows=2), saved("b", rows=None), saved("c", rows=3))),
            NodeLine("succeeded", "make", 1.25, 5, "first run"),
        ),
        (
            node_run(status="failed", error="node 'make' failed: ValueError: no", outputs=()),
            NodeLine("failed", "make", 1.25, None, "ValueError: no"),
        ),
        (
            node_run(
                status="cancelled",
                reason=Reason(kind="not_started", detail="for 'a' failed"),
                outputs=(),
            ),
            NodeLine("not run", "make", None, None, "for 'a' failed"),
        ),
        (
            node_run(status="cancelled", error="stopped by Ctrl-C", seconds=0.0, outputs=()),
            NodeLine("cancelled", "make", None, None, "stopped by Ctrl-C"),
        ),
    ],
)
def test_a_node_is_told_by_how_it_ended(record, line):
    assert line_of(record) == line


def test_a_running_node_counts_whole_seconds():
    line = NodeLine("running", "make", 3.7, None, "first run")

    assert line.text(Widths(4, 0), Stream()).split() == ["make", "3", "s", "first", "run"]
