"""Tables with an entity are feature views, by the official API; definitions never change unseen."""

from __future__ import annotations

import datetime as dt

import msgspec
import pandas as pd
import pytest

pytest.importorskip("snowflake.ml.feature_store")

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec

pytestmark = pytest.mark.filterwarnings("ignore")

SPEND = DatasetSpec(
    name="spend",
    kind="table",
    version="v1.2.0",
    description="What they spend; it's in euros",
    entity="customer",
    join_keys=("customer_id",),
    timestamp_column="seen_at",
    columns=(
        ColumnSpec(name="customer_id", type="integer", description="Who", nullable=False),
        ColumnSpec(name="seen_at", type="timestamp_ntz", description="When", nullable=False),
        ColumnSpec(name="spend", type="float", description="Money of the month; it's a 'sum'\\"),
    ),
)
DOUBLED = DatasetSpec(
    name="doubled",
    kind="table",
    entity="customer",
    join_keys=("customer_id",),
    timestamp_column="seen_at",
    refresh_freq="1 hour",
    columns=(
        ColumnSpec(name="customer_id", type="integer"),
        ColumnSpec(name="seen_at", type="timestamp_ntz"),
        ColumnSpec(name="twice", type="float", description="Twice the spend", minimum=0),
    ),
)
DAY = dt.datetime(2026, 1, 1)


def rows(*spends, day=DAY):
    return pd.DataFrame(
        {
            "customer_id": range(1, len(spends) + 1),
            "seen_at": pd.array([day] * len(spends), dtype="datetime64[us]"),
            "spend": list(spends),
        }
    )


def doubled(place, factor=2.0):
    spend = place.load(SPEND, "v1.2.0", frame="ibis")
    return spend.select("customer_id", "seen_at", twice=spend.spend * factor)


def descriptions(place):
    found = view_of(place, SPEND).feature_descs
    return {str(name).strip('"'): text for name, text in found.items()}


def shown(account):
    return {row["name"]: row for row in account.rows("show views")}


def view_of(place, dataset):
    return place.feature_store.get_feature_view(dataset.name, dataset.version)


def test_a_saved_table_is_a_feature_view_of_the_authors_version(place, database):
    saved = place.save(SPEND, "v1.2.0", rows(1.5, 2.5))

    view = view_of(place, SPEND)
    assert (str(view.name), view.version, view.desc) == ("SPEND", "v1.2.0", SPEND.description)
    assert view.refresh_freq is None
    assert [each.name for each in view.entities] == ["CUSTOMER"]
    assert [key.resolved() for key in view.entities[0].join_keys] == ["CUSTOMER_ID"]
    assert saved.location == f'{database}.ML."SPEND$v1.2.0"'
    assert place.feature_store.read_feature_view(view).to_pandas()["SPEND"].tolist() == [1.5, 2.5]


def test_descriptions_are_carried_over_letter_by_letter(place):
    """The library puts them into SQL as they are."""
    place.save(SPEND, "v1.2.0", rows(1.0))

    described = descriptions(place)

    assert described["SPEND"] == "Money of the month; it's a 'sum'\\"


def test_a_new_description_is_told_and_the_rest_and_other_versions_stay(place, account):
    """Of keys and times the feature view has no description: they are no features."""
    whole = (*SPEND.columns, ColumnSpec(name="calls", type="integer", description="How often"))
    frame = rows(1.0, 2.0).assign(calls=[3, 4])
    for version in ("v1.1.0", "v1.2.0"):
        place.save(msgspec.structs.replace(SPEND, columns=whole), version, frame)
    before = shown(account)["SPEND$v1.1.0"]
    columns = (
        *whole[:2], ColumnSpec(name="spend", type="float", description="Other"), whole[3]
    )  # fmt: skip

    changed = msgspec.structs.replace(SPEND, columns=columns)
    place.save(changed, "v1.2.0", frame)

    assert descriptions(place) == {"SPEND": "Other", "CALLS": "How often"}
    assert view_of(place, SPEND).desc == SPEND.description
    loaded = place.load(changed, "v1.2.0", frame="pandas")
    pd.testing.assert_frame_equal(loaded, frame, check_dtype=False)
    assert shown(account)["SPEND$v1.1.0"] == before


def test_the_same_version_with_the_same_columns_is_written_over(place, account):
    place.save(SPEND, "v1.2.0", rows(1.0))
    made = account.rows("show views")[0]["created_on"]

    place.save(SPEND, "v1.2.0", rows(3.0, 4.0))

    assert place.load(SPEND, "v1.2.0", frame="pandas")["spend"].tolist() == [3.0, 4.0]
    assert account.rows("show views")[0]["created_on"] == made


def test_a_version_with_other_columns_is_refused_and_stands(place):
    place.save(SPEND, "v1.2.0", rows(1.0))
    more = msgspec.structs.replace(
        SPEND, columns=(*SPEND.columns, ColumnSpec(name="extra", type="integer"))
    )

    with pytest.raises(DataError, match="exists with another definition") as caught:
        place.save(more, "v1.2.0", rows(9.0).assign(extra=1))

    assert "new version" in caught.value.remedy
    assert place.load(SPEND, "v1.2.0", frame="pandas")["spend"].tolist() == [1.0]
    place.save(more, "v1.3.0", rows(9.0).assign(extra=1))


def test_a_view_that_somebody_else_registered_is_not_replaced(place, account, database):
    from snowflake.ml.feature_store import Entity, FeatureView

    store = place.feature_store
    entity = store.register_entity(Entity("CUSTOMER", ["CUSTOMER_ID"]))
    query = account.session.sql("select 1 as CUSTOMER_ID, 2.0::float as SPEND")
    store.register_feature_view(FeatureView("spend", [entity], query), "v1.2.0")

    with pytest.raises(DataError, match="another definition"):
        place.save(SPEND, "v1.2.0", rows(1.0))

    assert place.find(SPEND, "v1.2.0") is None


def test_an_entity_with_other_keys_is_refused(place):
    from snowflake.ml.feature_store import Entity

    place.feature_store.register_entity(Entity("CUSTOMER", ["OTHER_ID"]))

    with pytest.raises(DataError, match="entity 'customer' has the join keys OTHER_ID") as caught:
        place.save(SPEND, "v1.2.0", rows(1.0))
    assert "entity of its own" in caught.value.remedy
    assert place.find(SPEND, "v1.2.0") is None


def test_an_entity_whose_name_is_too_long_is_refused(place):
    named = msgspec.structs.replace(SPEND, entity="c" * 33)

    with pytest.raises(DataError, match="33 letters"):
        place.save(named, "v1.2.0", rows(1.0))


def test_a_refreshing_dataset_is_a_dynamic_table_of_the_nodes_own_sql(place, account):
    place.save(SPEND, "v1.2.0", rows(1.0, 2.0))

    saved = place.save(DOUBLED, "v1.0.0", doubled(place))

    view = view_of(place, DOUBLED)
    assert (view.refresh_freq, saved.rows) == ("1 hour", 2)
    shown = account.rows("show dynamic tables")[0]
    assert shown["name"] == "DOUBLED$v1.0.0"
    assert '"SPEND$v1.2.0"' in shown["text"]
    assert place.load(DOUBLED, "v1.0.0", frame="pandas")["twice"].tolist() == [2.0, 4.0]
    assert place.find(DOUBLED, "v1.0.0") == saved


def test_a_dynamic_table_is_refreshed_by_the_next_run_and_is_other_content(place):
    place.save(SPEND, "v1.2.0", rows(1.0, 2.0))
    first = place.save(DOUBLED, "v1.0.0", doubled(place))
    place.save(SPEND, "v1.2.0", rows(5.0, 2.0))

    second = place.save(DOUBLED, "v1.0.0", doubled(place))

    assert place.load(DOUBLED, "v1.0.0", frame="pandas")["twice"].tolist() == [10.0, 4.0]
    assert second.content != first.content


def test_what_a_dynamic_table_became_by_itself_is_its_content(place):
    place.save(SPEND, "v1.2.0", rows(1.0, 2.0))
    first = place.save(DOUBLED, "v1.0.0", doubled(place))
    place.save(SPEND, "v1.2.0", rows(5.0, 2.0, 3.0))

    place.feature_store.refresh_feature_view(view_of(place, DOUBLED))

    found = place.find(DOUBLED, "v1.0.0")
    assert (found.rows, found.content != first.content) == (3, True)
    assert place.why_not_found(DOUBLED, "v1.0.0") == ""


def test_a_dynamic_table_with_another_definition_is_refused(place):
    place.save(SPEND, "v1.2.0", rows(1.0, 2.0))
    place.save(DOUBLED, "v1.0.0", doubled(place))

    with pytest.raises(DataError, match="another definition") as caught:
        place.save(DOUBLED, "v1.0.0", doubled(place, factor=3.0))

    assert "new version" in caught.value.remedy
    assert place.load(DOUBLED, "v1.0.0", frame="pandas")["twice"].tolist() == [2.0, 4.0]
    place.save(DOUBLED, "v1.0.1", doubled(place, factor=3.0))


def test_what_breaks_the_catalog_becomes_no_dynamic_table(place, account):
    place.save(SPEND, "v1.2.0", rows(1.0, 2.0))

    with pytest.raises(DataError, match="twice: 2 values below 0"):
        place.save(DOUBLED, "v1.0.0", doubled(place, factor=-1.0))

    assert account.rows("show dynamic tables") == []


def test_a_frame_in_a_refreshing_dataset_is_shown_by_a_dynamic_table_of_it(place):
    frame = rows(1.0).rename(columns={"spend": "twice"})

    place.save(DOUBLED, "v1.0.0", frame)
    place.save(DOUBLED, "v1.0.0", frame.assign(twice=7.0))

    assert view_of(place, DOUBLED).refresh_freq == "1 hour"
    assert place.load(DOUBLED, "v1.0.0", frame="pandas")["twice"].tolist() == [7.0]


def test_another_frequency_is_the_same_definition(place):
    place.save(SPEND, "v1.2.0", rows(1.0, 2.0))
    place.save(DOUBLED, "v1.0.0", doubled(place))

    place.save(msgspec.structs.replace(DOUBLED, refresh_freq="3 hours"), "v1.0.0", doubled(place))

    assert view_of(place, DOUBLED).refresh_freq == "3 hours"


def test_a_training_set_has_what_was_known_at_the_time(place, account):
    """What a node that takes ``feature_store`` can ask."""
    later = rows(9.0, day=dt.datetime(2026, 2, 1))
    place.save(SPEND, "v1.2.0", pd.concat([rows(1.0), later], ignore_index=True))
    spine = account.session.sql(
        "select 1 as CUSTOMER_ID, column1::timestamp_ntz as AT, column2 as LABEL"
        " from values ('2025-12-31', 0), ('2026-01-15', 1), ('2026-02-01', 0)"
    )

    found = place.feature_store.generate_training_set(
        spine, [view_of(place, SPEND)], spine_timestamp_col="AT", spine_label_cols=["LABEL"]
    ).to_pandas()

    known = dict(zip(found["AT"].dt.date.astype(str), found["SPEND"], strict=True))
    assert known["2026-01-15"] == 1.0
    assert known["2026-02-01"] == 9.0
    assert pd.isna(known["2025-12-31"])


def test_a_view_that_was_dropped_is_missing(place, account, database):
    place.save(SPEND, "v1.2.0", rows(1.0))

    account.execute(f'drop view {database}.ML."SPEND$v1.2.0"')

    assert place.why_not_found(SPEND, "v1.2.0") == "missing"
    place.save(SPEND, "v1.2.0", rows(1.0))
    assert place.find(SPEND, "v1.2.0") is not None
