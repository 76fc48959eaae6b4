"""``run`` and ``exec``: what is told, what is skipped, what happens when a node fails."""

import csv
import io
import json

import pytest

from sf_ml_framework.show.words import number
from tests.integration.cli.shop import blank


def test_a_first_run_tells_every_node_and_where_its_results_are(shop):
    done = shop.ok("run", "--workers", "1")

    assert done.stderr == ""
    assert blank(done.stdout).splitlines() == [
        "run RUN: 4 nodes of shop",
        "[1/4] succeeded  make_orders SECONDS                   first run",
        "[2/4] succeeded  clean_orders SECONDS                   first run",
        "[3/4] succeeded  count_orders SECONDS                   first run",
        "[4/4] succeeded  judge SECONDS                   first run",
        "4 nodes: 4 succeeded in SECONDS",
        f"metrics  total {number(22.5)}, mean {number(5.625)}",
        "data     data/",
        "report   data/report.html",
    ]
    assert "<svg" in (shop.root / "data" / "report.html").read_text(encoding="utf-8")


def test_an_unchanged_run_skips_everything_and_says_so(shop):
    shop.ok("run")

    lines = shop.ok("run").stdout.splitlines()

    assert [line.split()[1:3] for line in lines[1:5]] == [
        ["skipped", "make_orders"],
        ["skipped", "clean_orders"],
        ["skipped", "count_orders"],
        ["skipped", "judge"],
    ]
    assert all(line.endswith("unchanged") for line in lines[1:5])
    assert lines[5].startswith("4 nodes: 4 skipped in ")


def test_a_changed_function_runs_it_and_what_needs_it_and_is_named(shop):
    shop.ok("run")
    shop.change("shop/nodes.py", "min(price, cap)", "min(price + 1, cap)")

    text = shop.ok("run").stdout

    assert "skipped    count_orders" in text
    assert "code changed: shop.nodes:clean" in text
    assert "input changed: cleaned@v1.0.0" in text


def test_a_run_as_json_is_whole_and_alone_on_standard_output(shop):
    done = shop.ok("run", "--format", "json", "--params", "cap=5")

    found = done.json
    assert set(found) == {
        "run", "project", "status", "started", "seconds", "command", "selection", "overrides",
        "git_commit", "git_dirty", "python", "framework", "libraries", "settings", "nodes",
        "resume", "report",
    }  # fmt: skip
    assert (found["status"], found["resume"]) == ("succeeded", "")
    assert found["overrides"] == {"params": {"cap": "5"}}
    assert found["command"] == "python -m sf_ml_framework run --format json --params cap=5"
    node = found["nodes"][1]
    assert set(node) == {
        "node", "status", "reason", "started", "seconds", "attempt", "rows", "bytes",
        "peak_memory_bytes", "inputs", "outputs", "params", "metrics", "return_value", "notes",
        "log_tail", "error",
    }  # fmt: skip
    assert (node["node"], node["params"], node["error"]) == ("clean_orders", {"cap": 5}, None)
    assert node["reason"] == {"kind": "first_run", "detail": ""}
    assert set(node["outputs"][0]) == {
        "dataset", "version", "rows", "bytes", "content", "location",
    }  # fmt: skip
    assert found["nodes"][3]["metrics"]["total"] == pytest.approx(17.5)
    assert "[1/4] succeeded  make_orders" in done.stderr


def test_a_run_as_csv_has_a_row_for_each_node(shop):
    done = shop.ok("run", "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["status"] for row in rows] == ["succeeded"] * 4


def test_quiet_leaves_one_line(shop):
    done = shop.ok("run", "--quiet")

    assert blank(done.stdout) == "4 nodes: 4 succeeded in SECONDS\n"
    assert done.stderr == ""


def test_verbose_shows_what_nodes_print(shop):
    assert "| making 4 orders" in shop.ok("run", "-v").stdout


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--nodes", "count_orders"], ["count_orders"]),
        (["--only", "clean_orders,count_orders"], ["clean_orders", "count_orders"]),
        (["--nodes", "clean_orders+"], ["clean_orders", "judge"]),
        (["--nodes", "+clean_orders"], ["make_orders", "clean_orders"]),
        (["--from", "count_orders"], ["count_orders", "judge"]),
        (["--start", "clean_orders", "--end", "clean_orders"], ["clean_orders"]),
        (["--to", "count_orders"], ["make_orders", "count_orders"]),
        (["--tags", "data"], ["make_orders"]),
    ],
    ids=" ".join,
)
def test_a_part_of_the_pipeline_can_be_chosen(ran, words, wanted):
    assert list(ran.ran("--force", *words)) == wanted


def test_a_failed_node_shows_the_author_s_lines_its_log_and_how_to_resume(shop):
    shop.change("shop/nodes.py", "min(price, cap)", 'int("seven")')
    shop.change(
        "shop/nodes.py", '    """Cap what is too', '    print("capping")\n    """Cap what is too'
    )

    done = shop.call("run")

    assert done.returncode == 1
    assert "Traceback (most recent call last):" in done.stderr
    assert "shop/nodes.py" in done.stderr
    assert "sf_ml_framework/run" not in done.stderr
    assert "clean_orders.log:\n  | capping\n" in done.stderr
    assert "error: node 'clean_orders' failed: ValueError: invalid literal" in done.stderr
    lines = done.stdout.splitlines()
    assert any("not run    judge" in line for line in lines)
    assert lines[-1] == "resume   python -m sf_ml_framework run"
    assert "report   data/report.html" in lines


def test_the_command_that_resumes_does_what_it_says(shop):
    shop.change("shop/nodes.py", "min(price, cap)", "1 / 0")
    found = shop.call("run", "--params", "count=6", "--format", "json")
    assert (found.returncode, found.json["status"]) == (1, "failed")

    shop.change("shop/nodes.py", "1 / 0", "min(price, cap)")
    words = found.json["resume"].removeprefix("python -m sf_ml_framework ").split()
    again = shop.ok(*words, "--format", "json").json

    statuses = {node["node"]: node["status"] for node in again["nodes"]}
    assert statuses["clean_orders"] == statuses["judge"] == "succeeded"
    assert statuses.get("make_orders", "skipped") == "skipped"


def test_the_command_that_resumes_works_where_the_run_did(shop):
    """Without its --mode it would go on in the account that the environment names."""
    account = {"SNOWFLAKE_ACCOUNT": "org-acc", "SNOWFLAKE_USER": "u", "SNOWFLAKE_PASSWORD": "p"}
    shop.change("shop/nodes.py", "min(price, cap)", "1 / 0")

    done = shop.call("run", "--mode", "local", "--role", "a role", env=account)

    assert done.stdout.splitlines()[-1] == (
        "resume   python -m sf_ml_framework run --mode=local '--role=a role'"
    )


def test_a_failure_as_json_names_kind_remedy_and_trace(shop):
    shop.change("shop/nodes.py", 'return {"count"', 'return {1: 2}["count"]\n    return {"count"')

    found = shop.call("run", "--format", "json").json

    node = next(node for node in found["nodes"] if node["node"] == "count_orders")
    assert set(node["error"]) == {"kind", "message", "remedy", "exit_code", "trace"}
    assert node["error"]["kind"] == "KeyError"
    assert node["error"]["exit_code"] == 1


def test_exec_runs_one_node_here_and_now(shop):
    shop.ok("run")

    done = shop.ok("exec", "make_orders", "--inputs", '{"count": 2}')

    lines = blank(done.stdout).splitlines()
    assert lines[0] == "making 2 orders"
    assert lines[1] == "✓ make_orders succeeded in SECONDS"
    assert lines[2].startswith("  orders@v1.0.0: data/orders/v1.0.0.json, ")


def test_exec_as_json_keeps_what_the_node_prints_apart(shop):
    shop.ok("run")

    done = shop.ok("exec", "make_orders", "--format", "json", "--params", "count=3")

    assert done.json["node"] == "make_orders"
    assert done.json["params"]["count"] == 3
    assert "making 3 orders" in done.stderr


def test_exec_saves_under_another_version_when_told_so(shop):
    shop.ok("run")

    shop.ok("exec", "make_orders", "--outputs", '{"orders": "orders@v2.0.0-trial"}')

    made = shop.root / "data" / "orders" / "v2.0.0-trial.json"
    assert json.loads(made.read_text(encoding="utf-8"))["prices"] == [2.5, 5.0, 7.5, 10.0]


def test_exec_tells_a_failure_with_the_author_s_traceback(shop):
    shop.ok("run")
    shop.change("shop/nodes.py", "min(price, cap)", "1 / 0")

    done = shop.call("exec", "clean_orders")

    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "sf_ml_framework/run" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: node 'clean_orders' failed")


def test_a_report_that_cannot_be_written_undoes_no_run(shop):
    (shop.root / "data" / "report.html").mkdir(parents=True)

    done = shop.ok("run")

    assert "warning: the report could not be written" in done.stderr
    assert "4 nodes: 4 succeeded" in done.stdout


def test_the_format_of_the_data_can_be_another_for_one_run(shop):
    shop.write(
        "shop/nodes.py", "import pyarrow\ndef make(): return pyarrow.table({'price': [1.0]})\n"
    )
    shop.write(
        "shop/pipeline.py",
        "from shop import nodes\n"
        "from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project\n"
        "NODES = [NodeConfig(name='make', function=nodes.make, outputs='orders')]\n"
        "CATALOG = DataCatalog([Dataset(name='orders')])\n"
        "PROJECT = Project(name='shop', pipeline=NODES, catalog=CATALOG)\n",
    )

    found = shop.ok("run", "--data-format", "parquet", "--format", "json").json

    assert found["nodes"][0]["outputs"][0]["location"] == "data/orders/v1.0.0.parquet"
    assert found["nodes"][0]["rows"] == 1
    assert found["settings"]["format"] == "parquet"
