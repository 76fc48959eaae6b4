"""``history``, ``show``, ``diff`` and ``why``: what is known afterwards."""

import csv
import io

import pytest

from sf_ml_framework.show.words import number
from tests.integration.cli.shop import Shop, blank


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory) -> Shop:
    """A project that ran, and ran again with one parameter changed."""
    shop = Shop(tmp_path_factory.mktemp("two") / "shop")
    shop.ok("run")
    shop.ok("run", "--params", "cap=5")
    return shop


def ids(shop: Shop) -> list[str]:
    """Return the runs, the oldest first."""
    return [row["run"] for row in reversed(shop.ok("history", "--format", "json").json)]


def test_a_project_that_never_ran_has_no_history(shop):
    done = shop.ok("history")

    assert (done.stdout, done.stderr) == ("", "nothing has run here yet\n")
    assert shop.ok("history", "--format", "json").json == []
    assert not (shop.root / ".mlops" / "journal.db").exists()


def test_history_lists_the_newest_first(two_runs):
    lines = blank(two_runs.ok("history").stdout).splitlines()

    assert lines[0].split() == ["run", "started", "status", "took", "nodes", "command"]
    assert len(lines) == 3
    assert "2 ran, 2 skipped" in lines[1]
    assert lines[1].endswith("run --params cap=5")
    assert "4 ran" in lines[2]


def test_history_for_a_program_counts_nodes(two_runs):
    newest = two_runs.ok("history", "--format", "json", "--limit", "1").json

    assert len(newest) == 1
    assert set(newest[0]) == {
        "run", "started", "status", "seconds", "ran", "skipped", "failed", "command",
    }  # fmt: skip
    assert [newest[0][name] for name in ("status", "ran", "skipped", "failed")] == [
        "succeeded", 2, 2, 0,
    ]  # fmt: skip
    assert newest[0]["started"].endswith("+00:00")
    rows = list(csv.DictReader(io.StringIO(two_runs.ok("history", "--format", "csv").stdout)))
    assert list(rows[0]) == list(newest[0])


def test_history_can_be_asked_for_failures_alone(two_runs):
    assert two_runs.ok("history", "--status", "failed", "--format", "json").json == []


def test_show_tells_a_run_with_reasons_metrics_and_places(two_runs):
    text = two_runs.ok("show", "last").stdout

    assert "status   succeeded" in text
    assert "params changed: cap: 7.5 → 5" in text
    assert f"judge.total  {number(17.5)}" in text
    assert "cleaned@v1.0.0  data/cleaned/v1.0.0.json" in text
    assert "report   .mlops/runs/" in text


def test_show_finds_a_run_by_the_beginning_of_its_id(two_runs):
    first = ids(two_runs)[0]

    assert two_runs.ok("show", first, "--format", "json").json["run"] == first


def test_show_prints_all_that_a_node_printed(two_runs):
    assert two_runs.ok("show", ids(two_runs)[0], "--logs", "make_orders").stdout == (
        "making 4 orders\n"
    )


def test_show_says_where_the_log_of_a_skipped_node_is(two_runs):
    done = two_runs.call("show", "last", "--logs", "make_orders")

    assert done.returncode == 3
    assert "node 'make_orders' left no log in run" in done.stderr
    assert "it was skipped" in done.stderr


def test_show_tells_a_failure_whole(shop):
    shop.change("shop/nodes.py", "min(price, cap)", "1 / 0")
    shop.call("run")

    text = shop.ok("show", "last").stdout

    assert "status   failed" in text
    assert "not run" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "Traceback (most recent call last):" in text


def test_an_unknown_run_is_answered_with_the_nearest(two_runs):
    first = ids(two_runs)[0]
    typed = first[:-1] + ("0" if first[-1] != "0" else "1")

    done = two_runs.call("show", typed)

    assert done.returncode == 2
    assert f"no run is named {typed!r}" in done.stderr
    assert f"did you mean {first!r}?" in done.stderr


def test_a_node_of_another_name_is_answered_with_the_nearest(two_runs):
    done = two_runs.call("show", "last", "--logs", "make_order")

    assert done.returncode == 2
    assert "did you mean 'make_orders'?" in done.stderr


def test_diff_tells_what_changed_and_what_it_did(two_runs):
    text = two_runs.ok("diff", *ids(two_runs)).stdout

    assert "clean_orders  params changed: cap: 7.5 → 5" in text
    assert "judge         input changed: cleaned@v1.0.0" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["total", "judge", *map(number, (22.5, 17.5, -5.0))] in rows
    assert any(row[:1] == ["cleaned"] for row in rows)


def test_diff_for_a_program_has_promised_fields(two_runs):
    found = two_runs.ok("diff", *ids(two_runs), "--format", "json").json

    assert set(found) == {
        "first", "second", "same", "changes", "environment", "outputs", "metrics", "statuses",
        "only_first", "only_second",
    }  # fmt: skip
    assert found["same"] is False
    assert {"node": "clean_orders", "kind": "params_changed", "detail": "cap: 7.5 → 5"} in found[
        "changes"
    ]
    total = next(each for each in found["metrics"] if each["name"] == "total")
    assert total == {
        "node": "judge", "name": "total", "before": 22.5, "after": 17.5, "delta": -5.0,
    }  # fmt: skip


def test_diff_as_csv_has_one_row_for_each_difference(two_runs):
    done = two_runs.ok("diff", *ids(two_runs), "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["what"] for row in rows} == {"change", "output", "metric"}


def test_diff_ends_with_one_only_when_it_was_asked_to(two_runs):
    assert two_runs.call("diff", *ids(two_runs), "--exit-code").returncode == 1
    assert two_runs.call("diff", "last", "last", "--exit-code").returncode == 0
    done = two_runs.call("diff", *ids(two_runs), "--exit-code", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_a_run_does_not_differ_from_itself(two_runs):
    assert "nothing differs" in two_runs.ok("diff", "last", "last").stdout


def test_why_names_the_first_difference(shop):
    assert "make_orders would run: first run" in shop.ok("why", "make_orders").stdout

    shop.ok("run")
    assert shop.ok("why", "judge").stdout.startswith("judge would be skipped: unchanged since")

    shop.change("shop/nodes.py", "min(price, cap)", "min(price + 1, cap)")
    text = shop.ok("why", "clean_orders", "--params", "cap=3").stdout
    assert text.startswith("clean_orders would run: code changed: shop.nodes:clean")
    assert "also      params changed: cap: 7.5 → 3" in text

    found = shop.ok("why", "judge", "--format", "json").json
    assert set(found) == {"node", "verdict", "reason", "differences", "before", "last_success"}
    assert found["verdict"] == "depends"
    assert [each["node"] for each in found["before"]] == ["clean_orders"]
    assert found["before"][0]["reason"]["kind"] == "code_changed"


def test_why_tells_of_a_result_that_is_gone(shop):
    shop.ok("run")
    next((shop.root / "data" / "counted").glob("*.json")).unlink()

    text = shop.ok("why", "count_orders").stdout

    assert "count_orders would run: output missing: counted@v1.0.0" in text


def test_why_runs_nothing(shop):
    shop.ok("why", "judge")

    assert not (shop.root / "data").exists()
    assert shop.ok("history", "--format", "json").json == []


def test_a_run_that_was_killed_is_not_told_as_running(shop):
    """Whoever kills a run leaves a record that says it runs."""
    import signal
    import subprocess

    shop.change("shop/nodes.py", 'print("making"', 'import time; time.sleep(60); print("making"')
    process = subprocess.Popen(
        shop.command("run", "-v"),
        cwd=shop.root,
        env=shop.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    running = shop.ok("history", "--format", "json").json[0]
    process.send_signal(signal.SIGKILL)
    process.communicate()

    killed = shop.ok("history", "--format", "json").json[0]

    assert running["status"] == "running"
    assert running["run"] == killed["run"]
    assert killed["status"] == "cancelled"
    assert "running" not in shop.ok("show", "last").stdout
