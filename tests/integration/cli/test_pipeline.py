"""``list``, ``dag`` and ``validate`` on a real project."""

import csv
import io
import json
import xml.etree.ElementTree as ET

import pytest


def test_list_shows_the_nodes_in_order(ran):
    assert ran.ok("list").stdout.splitlines() == [
        "node          reads             makes    description",
        "make_orders                     orders   Make the orders.",
        "clean_orders  orders            cleaned  Cap what is too large to be true.",
        "count_orders  orders            counted  Count the orders.",
        "judge         cleaned, counted  verdict  Judge the shop.",
    ]


def test_list_as_json_has_everything_that_is_declared(ran):
    first = ran.ok("list", "--format", "json").json[1]

    assert first == {
        "node": "clean_orders",
        "reads": ["orders"],
        "makes": ["cleaned"],
        "description": "Cap what is too large to be true.",
        "function": "shop.nodes:clean",
        "waits_for": ["make_orders"],
        "params": {"cap": 7.5},
        "tags": [],
        "retries": 0,
        "timeout_seconds": 3600,
        "compute_pool_size": "SMALL",
        "memory_bytes": 2 * 2**30,
        "cpu_millis": 1000,
        "target_instances": 1,
        "place": "shop/pipeline.py:16",
    }


def test_list_as_csv_is_a_table_for_a_spreadsheet(ran):
    rows = list(csv.DictReader(io.StringIO(ran.ok("list", "--format", "csv").stdout)))

    assert [row["node"] for row in rows] == ["make_orders", "clean_orders", "count_orders", "judge"]
    assert rows[3]["reads"] == "cleaned, counted"


def test_dag_and_its_alias_draw_the_same_graph(ran):
    drawn = ran.ok("dag").stdout

    assert drawn == ran.ok("deps").stdout
    assert [line for line in drawn.splitlines() if "clean_orders" in line]


def test_dag_as_mermaid_and_svg_are_what_they_say(ran):
    assert ran.ok("dag", "--format", "mermaid").stdout.startswith("flowchart ")
    svg = ET.fromstring(ran.ok("dag", "--format", "svg").stdout)
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"


def test_dag_as_json_tells_what_is_handed_over(ran):
    graph = ran.ok("dag", "--format", "json").json

    assert set(graph) == {"project", "nodes", "datasets", "edges"}
    assert {"from": "clean_orders", "to": "judge", "datasets": ["cleaned"]} in graph["edges"]
    assert graph["datasets"][0] == {
        "name": "orders",
        "kind": "document",
        "version": "v1.0.0",
        "made_by": "make_orders",
        "description": "What was ordered.",
    }


@pytest.mark.parametrize("form", ["text", "mermaid", "svg", "json"])
def test_dag_writes_into_a_file(ran, tmp_path, form):
    file = tmp_path / "ein Bild" / f"dag.{form}"

    done = ran.ok("dag", "--format", form, "--output", str(file))

    assert done.stdout == ""
    assert file.read_text(encoding="utf-8") == ran.ok("dag", "--format", form).stdout


def test_validate_says_that_nothing_is_wrong(ran):
    assert ran.ok("validate").stdout == "shop: 4 nodes and 4 datasets, no faults\n"
    assert ran.ok("validate", "--format", "json").json == {
        "valid": True,
        "project": "shop",
        "nodes": 4,
        "datasets": 4,
        "faults": [],
    }


def test_validate_tells_all_faults_at_their_places(shop):
    shop.change("shop/pipeline.py", 'params={"cap": 7.5}', 'params={"kap": 7.5}, retries=-1')
    shop.change("shop/pipeline.py", '"cleaned": "cleaned"', '"cleaned": "cleand"')

    done = shop.call("validate")

    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert lines[-1] == "the pipeline has 3 faults"
    assert (
        "shop/pipeline.py:16: error: node 'clean_orders' has the parameter 'kap', which clean()"
        " does not take" in lines
    )
    assert "  remedy: did you mean 'cap'?" in lines
    assert "  remedy: did you mean 'cleaned'?" in lines


def test_validate_tells_faults_to_a_program(shop):
    shop.change("shop/pipeline.py", 'params={"cap": 7.5}', 'params={"kap": 7.5}')

    done = shop.call("validate", "--format", "json")

    assert done.returncode == 2
    found = done.json
    assert found["valid"] is False
    assert [set(fault) for fault in found["faults"]] == [{"message", "remedy", "place"}]
    assert found["faults"][0]["place"] == "shop/pipeline.py:16"
    rows = csv.reader(io.StringIO(shop.call("validate", "--format", "csv").stdout))
    assert next(rows) == ["place", "message", "remedy"]


@pytest.mark.parametrize("command", ["list", "run", "dag"])
def test_every_command_refuses_a_faulty_pipeline_in_the_same_words(shop, command):
    shop.change("shop/pipeline.py", 'params={"cap": 7.5}', 'params={"kap": 7.5}')

    done = shop.call(command)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == shop.call("validate").stderr
    assert not (shop.root / "data").exists()


def test_a_project_that_cannot_be_imported_is_told_at_its_line(shop):
    shop.change("shop/nodes.py", '"""Nodes of', 'import pandsa\n"""Nodes of')

    done = shop.call("list")

    assert done.returncode == 2
    assert "shop/nodes.py:2: error: shop.pipeline cannot be imported" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_description_that_the_terminal_cannot_show_stops_nothing(shop):
    shop.change("shop/nodes.py", "Make the orders.", "Mache größere Aufträge ✓ 注文")

    done = shop.ok("list", env={"PYTHONIOENCODING": "ascii"})
    assert "Mache gr??ere Auftr?ge ? ??" in done.stdout

    found = shop.ok("list", "--format", "json", env={"PYTHONIOENCODING": "ascii"})
    assert json.loads(found.stdout)[0]["description"] == "Mache größere Aufträge ✓ 注文"
