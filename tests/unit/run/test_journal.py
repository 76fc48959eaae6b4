import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sf_ml_framework.errors import OperatorError, UnknownNameError
from sf_ml_framework.run import journal as journal_file
from sf_ml_framework.run.journal import SqliteJournal
from sf_ml_framework.run.records import NodeKey, NodeRun, Reason, RunRecord, Saved

KEY = NodeKey(scheme=1, code={"nodes:a": "11"}, params={"k": [1, None]})
SAVED = Saved(dataset="raw", version="v1", content="ab", bytes=10, rows=5, location="data/raw")


def a_run(run_id="20260101-000000-aaaa", status="succeeded", started="2026-01-01T00:00:00", **rest):
    return RunRecord(run_id=run_id, project="churn", status=status, started=started, **rest)


def a_node(node="a", run_id="20260101-000000-aaaa", status="succeeded", **rest):
    rest.setdefault("reason", Reason(kind="first_run"))
    return NodeRun(run_id=run_id, node=node, status=status, **rest)


@pytest.fixture
def journal(tmp_path):
    opened = SqliteJournal(tmp_path / ".mlops" / "journal.db")
    yield opened
    opened.close()


def test_a_run_is_found_as_it_was_recorded(journal):
    run = a_run(overrides={"inputs": {"é": [1, 2.5, None]}}, selection=("a", "b"), git_dirty=True)

    journal.start_run(run)

    assert journal.run(run.run_id) == run
    assert journal.runs() == [run]


def test_the_final_record_replaces_the_first(journal):
    journal.start_run(a_run(status="running"))
    final = a_run(seconds=3.5, libraries={"pandas": "2.3"})

    journal.finish_run(final)

    assert journal.runs() == [final]


def test_a_later_record_of_a_node_replaces_the_earlier_and_keeps_its_turn(journal):
    journal.record_node(a_node("a", status="running"))
    journal.record_node(a_node("b"))
    last = a_node("a", attempt=2, outputs=(SAVED,), key=KEY, metrics={"auc": 0.9})

    journal.record_node(last)

    assert journal.node_runs("20260101-000000-aaaa") == [last, a_node("b")]


def test_runs_are_listed_newest_first_and_by_status(journal):
    for day, status in ((1, "succeeded"), (3, "failed"), (2, "succeeded")):
        run_id, started = f"2026010{day}-000000-aaaa", f"2026-01-0{day}T00:00:00"
        journal.start_run(a_run(run_id, status, started))

    assert [run.run_id[:8] for run in journal.runs()] == ["20260103", "20260102", "20260101"]
    assert [run.run_id[:8] for run in journal.runs(status="succeeded", limit=1)] == ["20260102"]


def test_a_run_is_found_by_how_its_id_begins_or_as_the_last(journal):
    first, second = a_run("20260101-000000-aaaa"), a_run("20260102-000000-aaaa", started="2026-02")
    journal.start_run(first)
    journal.start_run(second)

    assert journal.run("20260101") == first
    assert journal.run("last") == second


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("2026", "known: 20260101-000000-aaaa, 20260102-000000-aaaa"),
        ("20260101-000000-aaab", "did you mean '20260101-000000-aaaa'?"),
        ("", "known: "),
    ],
)
def test_a_run_that_cannot_be_told_is_refused(journal, text, remedy):
    journal.start_run(a_run("20260101-000000-aaaa"))
    journal.start_run(a_run("20260102-000000-aaaa"))

    with pytest.raises(UnknownNameError) as caught:
        journal.run(text)

    assert remedy in caught.value.remedy


def test_the_newest_success_is_found_and_a_skip_is_none(journal):
    journal.record_node(a_node(run_id="1", key=KEY, seconds=1.0))
    journal.record_node(a_node(run_id="2", key=KEY, seconds=2.0))
    journal.record_node(a_node(run_id="3", key=KEY, status="skipped"))
    journal.record_node(a_node(run_id="4", key=KEY, status="failed"))

    assert journal.last_success("a").run_id == "2"
    assert journal.find_success("a", KEY.digest).run_id == "2"
    assert journal.find_success("a", "other") is None
    assert journal.last_success("b") is None


def test_equal_keys_have_one_digest_and_others_another():
    assert NodeKey(scheme=1, params={"k": [1, None]}, code={"nodes:a": "11"}).digest == KEY.digest
    assert NodeKey(scheme=2, params={"k": [1, None]}, code={"nodes:a": "11"}).digest != KEY.digest


def test_what_a_dead_process_left_running_becomes_cancelled(journal):
    journal.start_run(a_run("1", "running"))
    journal.record_node(a_node("a", "1", status="running"))
    journal.record_node(a_node("b", "1"))
    journal.start_run(a_run("2", "failed"))

    assert journal.cancel_dead() == ["1"]

    assert journal.run("1").status == "cancelled"
    assert [each.status for each in journal.node_runs("1")] == ["cancelled", "succeeded"]
    assert journal.node_runs("1")[0].error == "the process that ran it was killed"
    assert journal.cancel_dead() == []


def test_a_person_can_ask_with_sql(journal):
    journal.start_run(a_run())
    journal.record_node(a_node(outputs=(SAVED, SAVED), seconds=1.5, metrics={"auc": 0.9, "n": 3}))

    with sqlite3.connect(journal.file) as asked:
        row = asked.execute("SELECT node, status, reason, seconds, rows, bytes FROM node_runs")
        metrics = asked.execute("SELECT node, metric, value FROM metrics ORDER BY metric")

        assert row.fetchall() == [("a", "succeeded", "first_run", 1.5, 10, 20)]
        assert metrics.fetchall() == [("a", "auc", 0.9), ("a", "n", 3)]
    asked.close()


def test_reading_a_journal_that_is_not_there_makes_none(journal):
    assert journal.runs() == []
    assert journal.node_runs("1") == []
    assert journal.last_success("a") is None
    assert journal.cancel_dead() == ()
    assert not journal.file.parent.exists()


@pytest.mark.parametrize("damage", ["garbage", "half", "table", "record"])
def test_a_damaged_journal_is_told_with_the_way_out_and_nothing_is_lost(journal, damage):
    for number in range(200):
        journal.record_node(a_node(run_id=str(number), key=KEY, trace="x" * 500))
    journal.close()
    data = journal.file.read_bytes()
    if damage == "garbage":
        journal.file.write_bytes(b"this is no database, whatever its name says" * 50)
    elif damage == "half":
        journal.file.write_bytes(data[:4096] + b"\0" * (len(data) // 2))
    else:
        sql = {"table": "DROP TABLE node_runs", "record": "UPDATE node_runs SET record = '{'"}
        with sqlite3.connect(journal.file) as broken:
            broken.execute(sql[damage])
        broken.close()
    damaged = journal.file.read_bytes()

    with pytest.raises(OperatorError) as caught:
        journal.last_success("a")
    assert str(journal.file) in str(caught.value)
    assert "mlops clean --journal" in caught.value.remedy

    aside = journal.move_aside()
    assert aside.name == "journal-1.db"
    assert aside.read_bytes() == damaged
    journal.record_node(a_node())
    assert journal.last_success("a") == a_node()
    assert journal.move_aside().name == "journal-2.db"
    assert journal.move_aside() is None


def test_a_journal_of_a_newer_version_is_refused_and_left_alone(journal):
    journal.start_run(a_run())
    journal.close()
    with sqlite3.connect(journal.file) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()

    with pytest.raises(OperatorError, match="version 99") as caught:
        journal.runs()

    assert "newer" in caught.value.remedy


def test_a_journal_of_an_older_version_is_brought_up_to_date(journal, monkeypatch):
    journal.start_run(a_run())
    journal.close()
    more = (*journal_file._MIGRATIONS, "ALTER TABLE runs ADD COLUMN note TEXT")
    monkeypatch.setattr(journal_file, "_MIGRATIONS", more)

    assert journal.runs() == [a_run()]

    with sqlite3.connect(journal.file) as asked:
        assert asked.execute("SELECT note FROM runs").fetchall() == [(None,)]
    asked.close()


def test_a_reader_does_not_wait_for_a_writer(journal):
    journal.start_run(a_run())
    writer = sqlite3.connect(journal.file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE runs SET status = 'failed'")
    reader = SqliteJournal(journal.file)

    assert reader.runs() == [a_run()]

    reader.close()
    writer.close()


def test_a_writer_that_waits_too_long_is_told_to(journal, monkeypatch):
    monkeypatch.setattr(journal_file, "BUSY_SECONDS", 0.05)
    journal.start_run(a_run())
    writer = sqlite3.connect(journal.file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")

    with pytest.raises(OperatorError) as caught:
        journal.start_run(a_run())

    assert "another process holds it" in caught.value.remedy
    writer.close()


WRITES = """
import os, signal, sys
from pathlib import Path
from sf_ml_framework.run.journal import SqliteJournal
from sf_ml_framework.run.records import NodeRun, Reason
journal = SqliteJournal(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    journal.record_node(NodeRun(
        run_id=sys.argv[3], node=f"n{number}", status="succeeded", reason=Reason(kind="first_run")
    ))
if sys.argv[4:]:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def writes(file: Path, count: int, run_id: str, *die: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", WRITES, file, str(count), run_id, *die])


def test_what_was_recorded_before_kill_9_is_there_afterwards(journal):
    assert writes(journal.file, 50, "1", "die").wait(60) == -signal.SIGKILL

    assert len(journal.node_runs("1")) == 50


def test_two_processes_begin_one_journal_at_once(journal):
    both = [writes(journal.file, 30, run_id) for run_id in "12"]

    assert [each.wait(60) for each in both] == [0, 0]

    assert [len(journal.node_runs(run_id)) for run_id in "12"] == [30, 30]


def test_a_folder_that_cannot_be_written_is_the_operator_s(tmp_path):
    (tmp_path / ".mlops").write_text("a file where a folder should be")
    journal = SqliteJournal(tmp_path / ".mlops" / "journal.db")

    with pytest.raises(OperatorError) as caught:
        journal.start_run(a_run())

    assert "the right to write" in caught.value.remedy


READS = """
import os, sys
from pathlib import Path
from sf_ml_framework.run.journal import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]))
if os.getuid() == 0:
    os.setuid(65534)  # to root no folder is read-only
print([run.run_id for run in journal.runs()])
"""


def test_a_journal_in_a_folder_that_is_read_only_can_be_read():
    with TemporaryDirectory() as folder:
        journal = SqliteJournal(Path(folder) / "journal.db")
        journal.start_run(a_run("1"))
        journal.close()
        Path(folder).chmod(0o555)

        done = subprocess.run(
            [sys.executable, "-c", READS, str(journal.file)],
            check=False,
            capture_output=True,
            text=True,
        )

        Path(folder).chmod(0o755)
    assert done.stdout.strip() == "['1']", done.stderr
