"""What every place promises, wherever the data lives; see ``run.ports.Place``."""

import datetime as dt
import re
from decimal import Decimal

import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from scaling_models import Scaling

from sf_ml_framework.author.report import Report
from sf_ml_framework.errors import DataError, FrameworkError
from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec
from sf_ml_framework.run.ports import Place

CUSTOMERS = DatasetSpec(
    name="customers",
    kind="table",
    version="v1.0.0",
    entity="customer",
    join_keys=("customer_id",),
    columns=(
        ColumnSpec(name="customer_id", type="string", nullable=False, unique=True),
        ColumnSpec(name="age", type="integer", minimum=18),
        ColumnSpec(name="spend", type="float"),
        ColumnSpec(name="churned", type="boolean"),
        ColumnSpec(name="since", type="date"),
        ColumnSpec(name="seen_at", type="timestamp"),
        ColumnSpec(name="called_at", type="timestamp_ntz"),
        ColumnSpec(name="plan", type="category", allowed=("month", "year")),
        ColumnSpec(name="fee", type="decimal(8,2)"),
    ),
)
SCORES = DatasetSpec(name="scores", kind="table")
MODEL = DatasetSpec(name="model", kind="model")
STATISTICS = DatasetSpec(name="statistics", kind="document")
FINDINGS = DatasetSpec(name="findings", kind="report")

VALUES = {
    MODEL.name: Scaling(0.5),
    STATISTICS.name: {"median": 1.5, "caps": [1, None], "text": "ä"},
    FINDINGS.name: Report(title="Findings", metrics={"auc": 0.9}, notes=("a note",)),
    SCORES.name: pd.DataFrame({"score": [0.25, 0.5]}),
}
OTHERS = {
    MODEL.name: Scaling(1.5),
    STATISTICS.name: {"median": 2.5},
    FINDINGS.name: Report(title="Others"),
    SCORES.name: pd.DataFrame({"score": [0.25, 0.75]}),
}
EVERY_KIND = pytest.mark.parametrize(
    "dataset", [MODEL, STATISTICS, FINDINGS, SCORES], ids=lambda each: each.kind
)


@pytest.fixture
def customers() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["007", 'b,\n"c"', "ä"],
            "age": pd.array([18, None, 2**53 + 1], dtype="Int64"),
            "spend": [0.1, float("nan"), -0.0],
            "churned": pd.array([True, None, False], dtype="boolean"),
            "since": [dt.date(2026, 1, 31), None, dt.date(1970, 1, 1)],
            "seen_at": pd.array(
                [dt.datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=dt.UTC), None, None],
                dtype="datetime64[us, UTC]",
            ),
            "called_at": pd.array(
                [dt.datetime(2026, 1, 31, 12), None, None], dtype="datetime64[us]"
            ),
            "plan": pd.Categorical(["year", None, "month"], ["month", "year"]),
            "fee": [Decimal("1.50"), None, Decimal("-2.00")],
        }
    )


def test_a_place_is_what_the_port_asks_for(place):
    for name in (name for name in vars(Place) if not name.startswith("_")):
        assert hasattr(place, name)


def test_a_saved_table_is_loaded_back_unchanged(harness, customers):
    """Columns, their order and their types survive, wherever the data lives."""
    harness.open().save(CUSTOMERS, "v1.0.0", customers)

    loaded = harness.open().load(CUSTOMERS, "v1.0.0", frame="pandas")

    assert_frame_equal(loaded, customers, check_exact=True)


def test_a_table_is_given_as_what_is_asked_for(place, customers):
    place.save(CUSTOMERS, "v1.0.0", customers)

    def load(frame):
        return place.load(CUSTOMERS, "v1.0.0", frame=frame)

    assert isinstance(load("any"), pd.DataFrame)
    assert isinstance(load("pandas"), pd.DataFrame)
    assert isinstance(load("polars"), pl.DataFrame)
    assert isinstance(load("arrow"), pa.Table)
    assert isinstance(load("arrow_batches"), pa.RecordBatchReader)
    assert isinstance(load("ibis"), ibis.Table)
    ids = customers["customer_id"].tolist()
    assert load("polars")["customer_id"].to_list() == ids
    assert load("arrow")["customer_id"].to_pylist() == ids
    assert load("arrow_batches").read_all()["customer_id"].to_pylist() == ids
    assert sorted(load("ibis").customer_id.execute()) == sorted(ids)


@pytest.mark.parametrize("form", ["pandas", "polars", "arrow", "reader", "batches", "ibis"])
def test_a_table_may_come_in_any_form(place, customers, form):
    place.save(CUSTOMERS, "v1.0.0", customers)
    arrow = place.load(CUSTOMERS, "v1.0.0", frame="arrow")
    value = {
        "pandas": lambda: customers,
        "polars": lambda: pl.from_arrow(arrow),
        "arrow": lambda: arrow,
        "reader": arrow.to_reader,
        "batches": lambda: iter(arrow.to_batches(max_chunksize=1)),
        "ibis": lambda: place.load(CUSTOMERS, "v1.0.0", frame="ibis"),
    }[form]()

    saved = place.save(CUSTOMERS, "v1.0.1", value)

    assert saved.rows == len(customers)
    loaded = place.load(CUSTOMERS, "v1.0.1", frame="pandas")
    by_id = loaded.sort_values("customer_id", ignore_index=True)
    assert_frame_equal(by_id, customers.sort_values("customer_id", ignore_index=True))


def test_what_is_computed_lazily_is_saved(place, customers):
    place.save(CUSTOMERS, "v1.0.0", customers)
    lazy = place.load(CUSTOMERS, "v1.0.0", frame="ibis")

    place.save(SCORES, "v1", lazy.group_by("plan").agg(oldest=lazy.age.max()))

    loaded = place.load(SCORES, "v1", frame="pandas")
    found = {row.plan: row.oldest for row in loaded.itertuples() if isinstance(row.plan, str)}
    assert found == {"year": 18, "month": 2**53 + 1}


@EVERY_KIND
def test_what_was_saved_is_found_and_loaded_by_a_new_process(harness, dataset):
    value = VALUES[dataset.name]
    saved = harness.open().save(dataset, "v1", value)
    place = harness.open()

    assert place.find(dataset, "v1") == saved
    assert place.why_not_found(dataset, "v1") == ""
    assert (saved.dataset, saved.version) == (dataset.name, "v1")
    assert saved.content
    assert saved.location
    loaded = place.load(dataset, "v1", frame="any")
    assert_same(loaded, value)


def assert_same(loaded, value):
    if isinstance(value, pd.DataFrame):
        assert_frame_equal(loaded, value)
    else:
        assert loaded == value


@EVERY_KIND
def test_equal_values_have_equal_content_and_others_other(place, dataset):
    first = place.save(dataset, "v1", VALUES[dataset.name])

    assert place.save(dataset, "v2", VALUES[dataset.name]).content == first.content
    assert place.save(dataset, "v3", OTHERS[dataset.name]).content != first.content


@EVERY_KIND
def test_what_is_absent_is_missing(place, dataset):
    assert place.find(dataset, "v1") is None
    assert place.why_not_found(dataset, "v1") == "missing"
    with pytest.raises(DataError, match=dataset.name) as caught:
        place.load(dataset, "v1", frame="any")
    assert caught.value.remedy


@EVERY_KIND
def test_what_was_taken_away_is_not_found(harness, dataset):
    harness.open().save(dataset, "v1", VALUES[dataset.name])

    harness.remove(dataset, "v1")

    place = harness.open()
    assert place.find(dataset, "v1") is None
    assert place.why_not_found(dataset, "v1") in ("missing", "damaged")
    with pytest.raises(DataError):
        place.load(dataset, "v1", frame="any")


@EVERY_KIND
def test_what_was_damaged_is_not_found_and_not_loaded(harness, dataset):
    harness.open().save(dataset, "v1", VALUES[dataset.name])

    harness.damage(dataset, "v1")

    place = harness.open()
    assert place.find(dataset, "v1") is None
    assert place.why_not_found(dataset, "v1") == "damaged"
    with pytest.raises(DataError) as caught:
        place.load(dataset, "v1", frame="any")
    assert caught.value.remedy
    place.save(dataset, "v1", VALUES[dataset.name])
    assert place.find(dataset, "v1") is not None


@EVERY_KIND
def test_a_version_is_replaced_and_others_stay(harness, dataset):
    value, other = VALUES[dataset.name], OTHERS[dataset.name]
    saving = harness.open()
    first = saving.save(dataset, "v1", value)
    before = saving.save(dataset, "v2", value)
    after = saving.save(dataset, "v2", other)

    for place in (saving, harness.open()):
        assert place.find(dataset, "v1") == first
        assert place.find(dataset, "v2") == after
        assert_same(place.load(dataset, "v1", frame="any"), value)
        assert_same(place.load(dataset, "v2", frame="any"), other)
    assert after.content != before.content == first.content


@EVERY_KIND
def test_versions_resolve(harness, dataset):
    place = harness.open()
    with pytest.raises(DataError, match=dataset.name):
        place.resolve(dataset, "latest")
    place.save(dataset, "v2.0.0", VALUES[dataset.name])
    place.save(dataset, "v1.2.0", VALUES[dataset.name])

    for opened in (place, harness.open()):
        assert opened.resolve(dataset, "latest") == "v1.2.0"
        assert opened.resolve(dataset, "current") == "v1.0.0"
        assert opened.resolve(dataset, "v0.1") == "v0.1"
        assert opened.resolve(dataset, "some/file.csv") == "some/file.csv"


def test_what_breaks_the_catalog_is_not_saved_and_the_old_stays(place, customers):
    before = place.save(CUSTOMERS, "v1.0.0", customers)
    broken = [
        (customers.drop(columns="age"), "age"),
        (customers.assign(extra=1), "extra"),
        (customers.assign(age="old"), "age"),
        (customers.assign(age=17), "age: 3 values below 18"),
        (customers.assign(customer_id="one"), "customer_id: 1 value not unique"),
        (customers.assign(customer_id=None), "customer_id: 3 values missing"),
        (customers.assign(plan="week"), "plan: 3 values not allowed"),
    ]
    for frame, told in broken:
        with pytest.raises(DataError, match=re.escape(told)) as caught:
            place.save(CUSTOMERS, "v1.0.0", frame)
        assert "customers" in str(caught.value)
        assert caught.value.remedy

    assert place.find(CUSTOMERS, "v1.0.0") == before


@pytest.mark.parametrize(
    ("dataset", "frame"),
    [(SCORES, "model"), (SCORES, "document"), (MODEL, "pandas"), (STATISTICS, "ibis")],
)
def test_nothing_is_given_as_what_it_is_not(place, dataset, frame):
    place.save(dataset, "v1", VALUES[dataset.name])

    with pytest.raises(DataError, match=frame):
        place.load(dataset, "v1", frame=frame)


@EVERY_KIND
def test_a_value_of_another_kind_is_refused(place, dataset):
    value = {"model": lambda: 1, "table": {"a": 1}}.get(dataset.kind, [1])

    with pytest.raises(FrameworkError) as caught:
        place.save(dataset, "v1", value)

    assert dataset.name in str(caught.value)
    assert place.find(dataset, "v1") is None


def test_a_document_becomes_the_dataclass_that_is_asked_for(place):
    from tests.unit.local.document_classes import Cap

    place.save(STATISTICS, "v1", Cap("spend", 9.5))

    loaded = place.load(
        STATISTICS, "v1", frame="dataclass", dataclass="tests.unit.local.document_classes:Cap"
    )

    assert loaded == Cap("spend", 9.5)


def test_a_closed_place_can_be_closed_again(harness):
    place = harness.open()
    place.save(SCORES, "v1", VALUES[SCORES.name])

    place.close()
    place.close()

    assert harness.open().find(SCORES, "v1") is not None
