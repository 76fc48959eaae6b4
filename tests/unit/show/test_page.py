"""The page of a run holds everything that is known of it, and nothing from elsewhere."""

import re
from html.parser import HTMLParser

import msgspec
import pandas as pd
import polars as pl
import pytest

from sf_ml_framework import Report
from sf_ml_framework.run.records import Reason
from sf_ml_framework.show.figures import MOST_ROWS, data_uri, table_of
from sf_ml_framework.show.page import render
from tests.unit.show import runs

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


class Outline(HTMLParser):
    """Text, ids and addresses of a page, with its headings in order."""

    def __init__(self, page):
        super().__init__()
        self.text, self.ids, self.addresses, self.headings, self.open = [], [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        self.addresses += [given[name] for name in ("src", "href", "action") if name in given]
        self.open.append(tag)

    def handle_data(self, data):
        tag = self.open[-1] if self.open else ""
        if tag in ("h1", "h2", "h3"):
            self.headings.append(data.strip())
        if tag != "style":
            self.text.append(data.strip())

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass


def page(**changes):
    given = {
        "run": runs.run(),
        "nodes": runs.node_runs(),
        "manifest": runs.manifest(),
        "reports": runs.reports(),
    } | changes
    return render(given["run"], given["nodes"], given["manifest"], given["reports"])


def test_the_head_tells_which_run_it_was():
    text = " ".join(Outline(page()).text)

    for fact in (
        "customer_churn",
        "20261123-141509-b2c4",
        "23 Nov 2026, 14:15:09 UTC",
        "2 unchanged, 4 succeeded in 1 min 25 s",
        "24f18b37a51c",
        "with changes not committed",
        "mlops run --params cap_quantile=0.99 --from feature_engineering",
    ):
        assert fact in text


def test_reports_stand_in_the_order_of_the_graph():
    headings = [each for each in Outline(page()).headings if each]

    wanted = ["Graph", "Nodes", "Data quality", "Training", "Evaluation", "Parameters", "Datasets"]
    assert [each for each in headings if each in wanted] == wanted


def test_a_report_of_a_dataset_that_left_the_graph_is_shown_last():
    reports = {"old": Report(title="Old one"), **runs.reports()}

    headings = Outline(page(reports=reports)).headings

    assert headings.index("Old one") > headings.index("Evaluation")


def test_metrics_tables_notes_parameters_versions_and_hashes_are_there():
    text = " ".join(Outline(page()).text)

    for fact in (
        "0.8479",
        "logistic regression",
        "SHAP values of 2,000 rows, drawn at random with seed 42.",
        "cap_ quantile",
        "data/raw_customers/v1.0.0.csv",
        runs.saved("raw_customers").content[:16],
        "xgboost-cpu",
        "code changed: src.features.ratios:spend_per_product (function that train_model reaches)",
    ):
        assert fact in text, fact


def test_nothing_is_loaded_from_elsewhere():
    outline = Outline(page())

    assert all(address.startswith(("#", "data:")) for address in outline.addresses)
    assert not re.search(r"url\(|@import|<script|<link rel=.?stylesheet", page())
    assert "default-src 'none'" in page()


def test_every_link_within_the_page_leads_somewhere_and_no_id_is_used_twice():
    outline = Outline(page())

    assert len(outline.ids) == len(set(outline.ids))
    assert {each[1:] for each in outline.addresses if each.startswith("#")} <= set(outline.ids)


def test_whatever_an_author_writes_is_text():
    bad = "<script>alert(1)</script>"
    reports = {
        "data_quality": Report(
            title=bad, metrics={bad: bad}, tables={bad: [{bad: bad}]}, notes=[bad],
            figures={bad: f"<svg xmlns='http://www.w3.org/2000/svg'>{bad}</svg>"},
        )
    }  # fmt: skip
    nodes = [
        msgspec.structs.replace(node, params={bad: bad}, error=bad, trace=bad, log_tail=(bad,))
        for node in runs.node_runs()
    ]

    shown = page(reports=reports, nodes=nodes, run=runs.run(command=bad, overrides={bad: bad}))

    assert "<script" not in shown


def test_a_failed_run_begins_with_what_went_wrong():
    nodes = runs.node_runs()
    nodes[4] = msgspec.structs.replace(
        nodes[4],
        status="failed",
        error="node 'train_model' failed: ValueError: no rows",
        remedy="mend the function",
        trace='  File "src/nodes/node_05_train_model.py", line 8',
        log_tail=("fold 1", "fold 2"),
    )
    nodes[5] = msgspec.structs.replace(
        nodes[5], status="cancelled", reason=Reason(kind="not_started")
    )

    outline = Outline(page(run=runs.run("failed"), nodes=nodes))
    text = " ".join(outline.text)

    assert outline.headings.index("What went wrong") < outline.headings.index("Graph")
    for fact in ("ValueError: no rows", "mend the function", "line 8", "fold 2", "○ not run"):
        assert fact in text


def test_nodes_that_never_began_and_an_empty_run_are_shown():
    shown = page(nodes=[], run=runs.run("running", libraries={}), reports={})

    assert shown.count("○ not run") == 18  # six rows, and twice six boxes
    assert "None were recorded." in shown


def test_only_the_nodes_that_were_asked_for_are_listed():
    run = runs.run(selection=("train_model",))

    shown = page(run=run)

    assert shown.count('role="rowheader"') == 1


def test_a_table_may_be_rows_or_a_frame_and_keeps_its_order():
    rows = [{"b": 1, "a": "x"}, {"b": 2, "a": None, "c": 0.5}]
    expected = ([("b", True), ("a", False), ("c", True)], [["1", "x", "—"], ["2", "—", "0.5"]], 0)

    assert tuple(table_of(rows)) == expected
    assert table_of(pd.DataFrame({"b": [1, 2], "a": ["x", "y"]})).rows == [["1", "x"], ["2", "y"]]
    assert table_of(pl.DataFrame({"b": [1, 2], "a": ["x", "y"]})).rows == [["1", "x"], ["2", "y"]]
    named = pd.DataFrame({"n": [3]}, index=pd.Index(["k"], name="key"))
    assert table_of(named).columns == [("key", False), ("n", True)]


def test_a_long_table_is_cut_and_says_so():
    reports = {"data_quality": Report(title="t", tables={"x": [{"i": i} for i in range(1250)]})}

    shown = page(reports=reports)

    assert f"{1250 - MOST_ROWS:,} more rows are not shown." in shown


@pytest.mark.parametrize(
    ("figure", "begin"),
    [
        (runs.PICTURE, "data:image/svg+xml;base64,"),
        (runs.PICTURE.encode(), "data:image/svg+xml;base64,"),
        ('<?xml version="1.0"?>\n' + runs.PICTURE, "data:image/svg+xml;base64,"),
        (PNG, "data:image/png;base64,"),
    ],
)
def test_a_figure_becomes_an_address_that_holds_it(figure, begin):
    assert data_uri(figure).startswith(begin)


@pytest.mark.parametrize("figure", ["no picture", b"none", None, 7, {}])
def test_what_is_no_picture_is_said_to_be_none(figure):
    assert data_uri(figure) == ""
    assert "no picture" in page(reports={"r": Report(title="t", figures={"f": figure})})


def test_a_figure_of_matplotlib_is_drawn():
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2])

    assert data_uri(figure).startswith("data:image/svg+xml;base64,")
