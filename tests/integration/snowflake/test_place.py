"""The rest of what a schema of an account is as a place: files, reports, official objects."""

from __future__ import annotations

import sys

import pandas as pd
import pytest

pytest.importorskip("snowflake.connector")

from sf_ml_framework.author.report import Report
from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import (
    FORMAT,
    DatasetSpec,
    InputSpec,
    Manifest,
    NodeSpec,
    OutputSpec,
)
from sf_ml_framework.places.snowflake.model_records import Origin
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.place import SnowflakePlace
from sf_ml_framework.run.records import NodeRun, Reason

pytestmark = pytest.mark.filterwarnings("ignore")

CAPS = DatasetSpec(name="caps", kind="document")
FINDINGS = DatasetSpec(name="findings", kind="report")
MORE = DatasetSpec(name="more", kind="report")
ROWS = DatasetSpec(name="rows_of", kind="table", entity="thing", join_keys=("id",))
MODEL = DatasetSpec(name="guess", kind="model")
MANIFEST = Manifest(
    format=FORMAT,
    project="shop",
    nodes=(
        NodeSpec(name="look", function="m:look", outputs=(OutputSpec(dataset="findings"),)),
        NodeSpec(
            name="train",
            function="m:train",
            inputs=(InputSpec(argument="rows", dataset="rows_of"),),
            outputs=(OutputSpec(dataset="guess"), OutputSpec(dataset="more")),
        ),
    ),
    datasets=(CAPS, FINDINGS, MORE, ROWS, MODEL),
)
SVG = "<svg xmlns='http://www.w3.org/2000/svg'/>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def open_place(account, database):
    def call(run_id="run-1", **given):
        names = Names(database=database, schema="ML", **given)
        return SnowflakePlace(account, names, MANIFEST, origin=Origin(run_id=run_id))

    return call


def report(auc):
    return Report(
        title="Findings",
        metrics={"auc": auc, "model": "trees", "good": True, "rows": 5},
        tables={"Table": pd.DataFrame({"a": [1, 2]})},
        figures={"Curve": SVG, "Picture": PNG},
        notes=("a note",),
    )


def test_a_report_is_files_in_the_stage_and_rows_of_metrics(open_place, account):
    saved = open_place().save(FINDINGS, "v1.0.0", report(0.9))

    listed = account.rows("list @MLOPS_ARTIFACTS")
    assert sorted(row["name"].rpartition("/")[2] for row in listed) == [
        "curve.svg",
        "picture.png",
        "report.json",
    ]
    assert saved.location.startswith("@")
    rows = account.rows("select * from MLOPS_METRICS order by metric")
    assert [(row["metric"], row["value_number"], row["value_text"]) for row in rows] == [
        ("auc", 0.9, None),
        ("good", None, "true"),
        ("model", None, "trees"),
        ("rows", 5.0, None),
    ]
    assert {(row["run_id"], row["node"]) for row in rows} == {("run-1", "look")}


def test_metrics_of_a_second_attempt_replace_those_of_the_first(open_place, account):
    for auc in (0.5, 0.9):
        open_place().save(FINDINGS, "v1.0.0", report(auc))

    rows = account.rows("select value_number from MLOPS_METRICS where metric = 'auc'")

    assert [row["value_number"] for row in rows] == [0.9]


def test_without_a_run_no_metric_is_written(open_place, account):
    open_place(run_id="").save(FINDINGS, "v1.0.0", report(0.9))

    assert account.rows("select * from MLOPS_METRICS") == []


def test_what_an_earlier_run_reported_can_still_be_read(open_place):
    """`mlops report --run` shows each run its own."""
    saved = [
        open_place(run_id=f"run-{auc}").save(FINDINGS, "v1.0.0", report(auc)) for auc in (0.5, 0.9)
    ]
    nodes = [
        NodeRun(
            run_id="run",
            node="look",
            status="succeeded",
            reason=Reason(kind="first_run"),
            outputs=(each,),
        )
        for each in saved
    ]

    found = [open_place().reports_of([node]) for node in nodes]

    assert [reports["findings"].metrics["auc"] for reports, _ in found] == [0.5, 0.9]
    assert found[0][0]["findings"].figures == {"Curve": SVG, "Picture": PNG}
    assert [gone for _, gone in found] == [[], []]


def test_a_report_that_was_taken_away_is_told(open_place, account):
    saved = open_place().save(FINDINGS, "v1.0.0", report(0.5))
    node = NodeRun(
        run_id="r",
        node="look",
        status="succeeded",
        reason=Reason(kind="first_run"),
        outputs=(saved,),
    )
    account.execute("remove @MLOPS_ARTIFACTS/datasets")

    found, gone = open_place().reports_of([node])

    assert found == {}
    assert "no longer in the stage" in gone[0]


def test_equal_documents_are_one_folder_and_the_old_one_stays_whole(open_place, account):
    place = open_place()
    place.save(CAPS, "v1.0.0", {"cap": 1})
    place.save(CAPS, "v1.0.0", {"cap": 2})
    place.save(CAPS, "v1.0.0", {"cap": 1})

    assert len(account.rows("list @MLOPS_ARTIFACTS")) == 2
    assert place.load(CAPS, "v1.0.0", frame="document") == {"cap": 1}


def test_a_stage_that_is_not_there_is_named_with_its_remedy(open_place):
    place = open_place(stage="NO_STAGE")

    with pytest.raises(Exception, match="NO_STAGE") as caught:
        place.save(CAPS, "v1.0.0", {"cap": 1})

    assert caught.value.remedy


def test_a_damaged_row_of_the_framework_is_told(open_place, account):
    place = open_place()
    place.save(CAPS, "v1.0.0", {"cap": 1})
    account.execute("update MLOPS_DATASETS set object_signature = 'no json'")

    assert place.why_not_found(CAPS, "v1.0.0") == "damaged"
    with pytest.raises(DataError, match=r"MLOPS_DATASETS says of 'caps@v1\.0\.0' is damaged"):
        place.load(CAPS, "v1.0.0", frame="any")


def test_what_a_model_is_trained_on_is_a_dataset_version_for_each_content(open_place, account):
    place = open_place()
    frames = [pd.DataFrame({"id": [1, 2], "x": [value, 2.0]}) for value in (0.5, 0.7)]

    for frame in (*frames, frames[0]):
        place.save(ROWS, "v1.0.0", frame)

    listed = account.rows("show versions in dataset ROWS_OF")
    assert len(listed) == 2
    kept = place.training_set(ROWS, "v1.0.0")
    assert kept.read.to_pandas()["X"].tolist() == [0.5, 2.0]
    # The names as SQL has them.
    assert kept.selected_version.exclude_cols == ['"ID"']


def test_the_official_objects_are_of_the_targets_schema(open_place, database):
    place = open_place()

    assert place.feature_store.list_entities().collect() == []
    assert type(place.feature_store).__module__.startswith("snowflake.ml.feature_store")
    assert type(place.model_registry).__module__.startswith("snowflake.ml.registry")


def test_to_find_what_stands_no_library_of_frames_is_imported():
    """A process that only decides what to run has not the time."""
    import subprocess

    code = """
import sys
from sf_ml_framework import connection
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.place import SnowflakePlace
from sf_ml_framework.places.snowflake.session import Account

class NoAccount:
    def rows(self, sql, binds=()):
        return []

place = SnowflakePlace(NoAccount(), Names(database="D", schema="S"))
for kind in ("table", "document", "report", "model"):
    dataset = DatasetSpec(name="x", kind=kind)
    assert place.find(dataset, "v1") is None
    assert place.why_not_found(dataset, "v1") == "missing"
heavy = {"pandas", "pyarrow", "ibis", "duckdb", "numpy", "snowflake.ml"} & set(sys.modules)
print(sorted(heavy))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.stdout.strip(), done.stderr) == ("[]", "")
