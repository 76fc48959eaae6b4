import datetime as dt
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sf_ml_framework.author.report import Report
from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec

REPORT = DatasetSpec(name="evaluation", kind="report", version="v1")
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>ä</title></svg>'
PNG = b"\x89PNG\r\n\x1a\n" + b"rest"


def test_a_report_in_its_plain_form_is_loaded_back_equal(place, open_place):
    report = Report(
        title="Größe",
        metrics={"auc": 0.9, "rows": 3, "ok": True, "model": "xgb"},
        tables={"Worst": [{"id": 1, "why": None}, {"id": 2, "why": "ä"}]},
        figures={"ROC curve": SVG, "A photo": PNG},
        notes=("one", "two"),
    )

    saved = place.save(REPORT, "v1", report)

    loaded = open_place().load(REPORT, "v1", frame="any")
    assert loaded == report
    assert [*loaded.figures] == ["ROC curve", "A photo"]
    assert open_place().find(REPORT, "v1") == saved
    assert saved.location == "data/evaluation/v1"
    assert place.save(REPORT, "v2", loaded).content == saved.content


def test_figures_stand_beside_the_report_under_names_of_their_captions(place, root):
    figures = {"ROC (test) · Kurve Nr. 1": SVG, "ROC test kurve nr 1": SVG, "図": PNG}

    place.save(REPORT, "v1", Report(title="t", figures=figures))

    folder = root / "data/evaluation/v1"
    assert sorted(path.name for path in folder.iterdir()) == [
        "figure.png",
        "report.json",
        "roc-test-kurve-nr-1-2.svg",
        "roc-test-kurve-nr-1.svg",
    ]
    assert json.loads((folder / "report.json").read_text())["figures"][0] == {
        "caption": "ROC (test) · Kurve Nr. 1",
        "file": "roc-test-kurve-nr-1.svg",
    }


def test_tables_and_metrics_become_plain_and_what_is_no_number_null(place):
    frame = pd.DataFrame(
        {"x": [1.5, np.nan, np.inf], "n": pd.array([1, None, 2], dtype="Int64"), "s": list("abc")}
    )
    report = Report(
        title="t",
        metrics={"auc": np.float64(0.5), "n": np.int64(3), "none": float("nan")},
        tables={
            "pandas": frame,
            "counted": frame.groupby("s").size().rename("rows").to_frame(),
            "polars": pl.DataFrame({"x": [1, None]}),
            "arrow": pa.table({"on": [dt.date(2026, 1, 31)]}),
            "dicts": [{"a": np.float32(0.5), 1: [float("nan")]}],
            "empty": frame.iloc[:0],
        },
    )

    place.save(REPORT, "v1", report)

    loaded = place.load(REPORT, "v1", frame="any")
    assert loaded.metrics == {"auc": 0.5, "n": 3, "none": None}
    assert loaded.tables == {
        "pandas": [
            {"x": 1.5, "n": 1, "s": "a"},
            {"x": None, "n": None, "s": "b"},
            {"x": None, "n": 2, "s": "c"},
        ],
        "counted": [{"s": "a", "rows": 1}, {"s": "b", "rows": 1}, {"s": "c", "rows": 1}],
        "polars": [{"x": 1}, {"x": None}],
        "arrow": [{"on": "2026-01-31"}],
        "dicts": [{"a": 0.5, "1": [None]}],
        "empty": [],
    }


def test_the_same_figure_has_the_same_bytes_in_every_process(root):
    pytest.importorskip("matplotlib")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from matplotlib.figure import Figure\n"
        "from sf_ml_framework.author.report import Report\n"
        "from sf_ml_framework.manifest.model import DatasetSpec\n"
        "from sf_ml_framework.places.local.place import LocalPlace\n"
        "figure = Figure()\n"
        "axes = figure.subplots()\n"
        "axes.plot([1, 2], [3, 4])\n"
        "axes.fill_between([1, 2], [3, 4])\n"
        "report = Report(title='t', figures={'a line': figure})\n"
        "spec = DatasetSpec(name='evaluation', kind='report')\n"
        "print(LocalPlace(Path(sys.argv[1])).save(spec, sys.argv[2], report).content)\n"
    )
    contents = {
        subprocess.run(
            [sys.executable, "-c", code, str(root), version],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for version in ("v1", "v2")
    }

    assert len(contents) == 1
    assert "<svg" in (root / "data/evaluation/v1/a-line.svg").read_text()


def test_an_earlier_report_is_replaced_as_a_whole(place, root):
    place.save(REPORT, "v1", Report(title="old", figures={"old": SVG}))

    place.save(REPORT, "v1", Report(title="new", figures={"new": SVG}))

    folder = root / "data/evaluation"
    assert sorted(path.name for path in folder.iterdir()) == ["v1", "v1.manifest.json"]
    assert sorted(path.name for path in (folder / "v1").iterdir()) == ["new.svg", "report.json"]


@pytest.mark.parametrize("damage", ["remove", "change"])
def test_a_damaged_figure_is_damage_of_the_report(place, root, damage):
    place.save(REPORT, "v1", Report(title="t", figures={"one": SVG}))
    figure = root / "data/evaluation/v1/one.svg"

    if damage == "remove":
        figure.unlink()
    else:
        figure.write_text(SVG.replace("ä", "ö"))

    assert place.why_not_found(REPORT, "v1") == "damaged"
    with pytest.raises(DataError, match=r"v1/one.svg"):
        place.load(REPORT, "v1", frame="any")


@pytest.mark.parametrize(
    ("report", "fault"),
    [
        (Report(title="t", figures={"plot": "no picture"}), "figure 'plot' is a str"),
        (Report(title="t", figures={"plot": b"GIF89a"}), "figure 'plot' is a bytes"),
        (Report(title="t", tables={"rows": 3}), "table 'rows' is a int"),
        (Report(title="t", tables={"rows": [3]}), "table 'rows' is a list"),
        (Report(title="t", metrics={"m": object()}), "m is a object"),
        ({"title": "t"}, "cannot be made of a dict"),
    ],
)
def test_what_is_no_report_is_refused(place, report, fault):
    with pytest.raises(DataError, match=fault) as caught:
        place.save(REPORT, "v1", report)

    assert caught.value.remedy
    assert place.why_not_found(REPORT, "v1") == "missing"


def test_a_report_is_given_as_nothing_else(place):
    place.save(REPORT, "v1", Report(title="t"))

    with pytest.raises(DataError, match="is a report, and cannot be given as a document"):
        place.load(REPORT, "v1", frame="document")
