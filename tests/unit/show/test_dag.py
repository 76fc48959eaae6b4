"""The graph as text, for Mermaid and as a picture."""

from xml.etree import ElementTree

import pytest

from sf_ml_framework.show import dag
from tests.unit.show import runs

NAMESPACE = {"svg": "http://www.w3.org/2000/svg"}


def test_the_text_is_a_tree_that_names_what_is_handed_on():
    assert (
        dag.text(runs.manifest())
        == """\
generate_sample_data           → raw_customers
└─ preprocess_data             → preprocessed_customers, preprocess_statistics, data_quality
   └─ feature_engineering      → customer_features
      └─ train_test_split      with generate_sample_data  → train_data, test_data
         └─ train_model        → churn_model, training_report
            └─ evaluate_model  reads holidays  with train_test_split  → evaluation_report
"""
    )


def test_branches_of_the_text_stand_below_each_other():
    nodes = {"a": ([], ["x"]), "b": (["x"], ["y"]), "c": (["x"], ["z"]), "d": (["y", "z"], [])}

    assert (
        dag.text(runs.manifest(nodes))
        == """\
a        → x
├─ b     → y
└─ c     → z
   └─ d  with b
"""
    )


def test_the_text_of_a_run_says_how_each_node_ended():
    by_name = {run.node: run for run in runs.node_runs()[:5]}

    lines = dag.text(runs.manifest(), by_name).splitlines()

    assert lines[0].startswith("≡ generate_sample_data")
    assert "  unchanged  →" in lines[0]
    assert "✓ train_model" in lines[4]
    assert "succeeded, 1 min 14 s" in lines[4]
    assert "○ evaluate_model" in lines[5]


def test_a_thousand_nodes_in_a_row_are_written():
    nodes = {f"n{i}": ([f"d{i - 1}"] if i else [], [f"d{i}"]) for i in range(1000)}

    assert dag.text(runs.manifest(nodes)).count("\n") == 1000


def test_mermaid_labels_an_edge_with_what_is_handed_over():
    text = dag.mermaid(runs.manifest({"end": ([], ["a", "b"]), "last": (["a", "b", "src"], [])}))

    assert (
        text
        == """\
flowchart LR
    s_src[("src")]
    n_end["end"]
    n_last["last"]
    n_end -->|"a<br/>b"| n_last
    s_src --> n_last
"""
    )


def test_a_wait_without_a_dataset_is_a_dotted_edge_unless_it_follows_from_others():
    nodes = {"a": ([], ["x"]), "b": (["x"], ["y"]), "c": (["y"], []), "d": ([], [])}

    text = dag.mermaid(runs.manifest(nodes, waits=[("a", "c"), ("c", "d")]))

    assert "n_c -.-> n_d" in text
    assert "n_a -.-> n_c" not in text


@pytest.mark.parametrize("downwards", [False, True])
def test_the_picture_holds_every_node_edge_and_source_within_its_frame(downwards):
    picture = ElementTree.fromstring(dag.svg(runs.manifest(), downwards=downwards))
    width, height = (float(picture.get(side)) for side in ("width", "height"))

    nodes = picture.findall("svg:g[@class='node kept']", NAMESPACE)
    assert len(nodes) == 6
    assert len(picture.findall("svg:g[@class='source']", NAMESPACE)) == 1
    assert len(picture.findall("svg:g[@class='link']", NAMESPACE)) == 8
    for group in nodes:
        x, y = map(float, group.get("transform")[len("translate(") : -1].split())
        box = group.find("svg:rect", NAMESPACE)
        assert 0 <= x <= x + float(box.get("width")) <= width
        assert 0 <= y <= y + float(box.get("height")) <= height


def test_an_edge_of_the_picture_names_the_datasets_on_hover():
    picture = ElementTree.fromstring(dag.svg(runs.manifest()))

    titles = [each.text for each in picture.findall("svg:g/svg:title", NAMESPACE)]

    assert (
        "preprocess_data → feature_engineering: preprocessed_customers, preprocess_statistics"
        in (titles)
    )


def test_the_picture_of_a_run_tells_status_and_time_without_colour_too():
    by_name = {run.node: run for run in runs.node_runs()[:5]}

    picture = dag.svg(runs.manifest(), by_name)

    for fact in ("≡ unchanged<", "✓ succeeded · 1 min 14 s", "○ not run"):
        assert fact in picture
    assert 'class="node good"' in picture
    assert "code changed: src.features.ratios:spend_per_product" in picture


def test_names_and_words_of_an_author_are_escaped():
    manifest = runs.manifest({"a<b>&'": ([], ['x"y'])})

    picture = dag.svg(manifest)

    assert "<b>" not in picture
    assert ElementTree.fromstring(picture).find("svg:g/svg:text", NAMESPACE).text == "a<b>&'"


def test_a_very_long_name_is_cut_in_its_box_and_whole_in_its_title():
    name = "n" * 80

    picture = ElementTree.fromstring(dag.svg(runs.manifest({name: ([], [])})))

    shown = picture.find("svg:g/svg:text", NAMESPACE).text
    assert len(shown) < 40
    assert picture.find("svg:g/svg:title", NAMESPACE).text.startswith(name)


def test_a_dataset_and_a_node_may_have_one_name():
    picture = ElementTree.fromstring(dag.svg(runs.manifest({"holidays": (["holidays"], [])})))

    assert len(picture.findall("svg:g[@class='link']", NAMESPACE)) == 1
