import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec
from tests.unit.local.document_classes import Cap, Statistics

DOCUMENT = DatasetSpec(name="statistics", kind="document", version="v1")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(document=st.dictionaries(TEXTS, JSON, max_size=4))
def test_a_document_is_loaded_back_unchanged_and_in_its_order(place, document):
    saved = place.save(DOCUMENT, "v1", document)

    loaded = place.load(DOCUMENT, "v1", frame="document")

    assert repr(loaded) == repr(document)
    assert place.save(DOCUMENT, "v1", loaded).content == saved.content


def test_a_dataclass_is_loaded_back_as_itself(place):
    statistics = Statistics(
        on=dt.date(2026, 1, 31),
        rows=3,
        caps=(Cap("spend", 9.5), Cap("age")),
        medians={"spend": 1.5},
    )

    place.save(DOCUMENT, "v1", statistics)

    where = "tests.unit.local.document_classes:Statistics"
    assert place.load(DOCUMENT, "v1", frame="dataclass", dataclass=where) == statistics
    assert place.load(DOCUMENT, "v1", frame="any")["caps"][0] == {"column": "spend", "upper": 9.5}


def test_a_document_that_does_not_fit_its_dataclass_is_told(place):
    place.save(DOCUMENT, "v1", {"on": "2026-01-31", "rows": "many"})

    with pytest.raises(DataError, match=r"does not fit Statistics: .*rows"):
        place.load(
            DOCUMENT,
            "v1",
            frame="dataclass",
            dataclass="tests.unit.local.document_classes:Statistics",
        )


def test_numbers_and_times_of_numpy_and_pandas_become_plain(place):
    place.save(
        DOCUMENT,
        "v1",
        {
            "mean": np.float64(1.5),
            "count": np.int64(3),
            "flag": np.bool_(True),
            "bins": np.array([[1, 2], [3, 4]]),
            "at": pd.Timestamp("2026-01-31T10:00", tz="UTC"),
            "on": dt.date(2026, 1, 31),
            "price": Decimal("1.50"),
            "names": {"b", "a"},
        },
    )

    assert place.load(DOCUMENT, "v1", frame="document") == {
        "mean": 1.5,
        "count": 3,
        "flag": True,
        "bins": [[1, 2], [3, 4]],
        "at": "2026-01-31T10:00:00+00:00",
        "on": "2026-01-31",
        "price": "1.50",
        "names": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"caps": {"spend": float("nan")}}, "caps.spend is nan"),
        ({"caps": [1.0, float("inf")]}, r"caps\[1\] is inf"),
        ({"a": {3: 1}}, "a has the key 3"),
        ({"a": object()}, "a is a object"),
        ({"a": pd.DataFrame()}, "a is a DataFrame"),
        ([1], "cannot be made of a list"),
        ("text", "cannot be made of a str"),
    ],
)
def test_what_json_cannot_hold_is_told_by_its_place(place, value, fault):
    with pytest.raises(DataError, match=fault) as caught:
        place.save(DOCUMENT, "v1", value)

    assert caught.value.remedy
    assert place.find(DOCUMENT, "v1") is None


def test_a_document_is_given_as_nothing_else(place):
    place.save(DOCUMENT, "v1", {})

    with pytest.raises(DataError, match="is a document, and cannot be given as a pandas"):
        place.load(DOCUMENT, "v1", frame="pandas")
