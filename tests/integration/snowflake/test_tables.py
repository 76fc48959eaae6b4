"""Tables of an account: types, names, forms, checks, and what a failure leaves behind."""

from __future__ import annotations

import datetime as dt

import ibis
import msgspec
import pandas as pd
import pyarrow as pa
import pytest

pytest.importorskip("snowflake.connector")

from sf_ml_framework.errors import DataError, PlatformError
from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec
from sf_ml_framework.places.local.place import LocalPlace
from sf_ml_framework.places.snowflake import drafts
from tests.integration.snowflake.typed_tables import EVERY_TYPE, FREE, TYPED, typed

pytestmark = pytest.mark.filterwarnings("ignore")


def test_every_type_survives_as_on_a_laptop(place, tmp_path):
    """Rows may stand in another order, so each is found by its own whole number."""
    laptop = LocalPlace(tmp_path, format="parquet")
    for each in (place, laptop):
        each.save(FREE, "v1", EVERY_TYPE)

    account, local = (each.load(FREE, "v1", frame="arrow") for each in (place, laptop))

    assert account.schema == local.schema
    key = ("whole", "ascending")
    assert account.sort_by([key]).to_pylist() == local.sort_by([key]).to_pylist()
    laptop.close()


def test_our_names_are_upper_case_there_and_need_no_quotes(place, account):
    place.save(FREE, "v1", pa.table({"customer_id": [1], "Mixed Case": [2], "q\"; it's odd": [3]}))

    found = account.rows('select customer_id, "Mixed Case" from "FREE$v1"')

    assert found == [{"customer_id": 1, "mixed case": 2}]
    loaded = place.load(FREE, "v1", frame="arrow")
    assert loaded.column_names == ["customer_id", "Mixed Case", "q\"; it's odd"]


def test_two_columns_of_one_name_there_are_refused(place):
    with pytest.raises(DataError, match="'age' and 'AGE' would both be 'AGE'"):
        place.save(FREE, "v1", pa.table({"age": [1], "AGE": [2]}))


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 256, "x" * 300], ids=["", "0", "256", "300"])
def test_what_can_be_no_name_of_a_column_there_is_refused(place, name):
    with pytest.raises(DataError, match="name of") as caught:
        place.save(FREE, "v1", pa.table({name: [1]}))

    assert caught.value.remedy == "rename the column"
    assert place.find(FREE, "v1") is None


def test_the_longest_name_of_a_column_comes_back(place):
    place.save(FREE, "v1", pa.table({"x" * 255: [1]}))

    assert place.load(FREE, "v1", frame="arrow").column_names == ["x" * 255]


def test_a_large_table_goes_in_files_of_bounded_size(place, account, monkeypatch):
    """While it still comes, the stage has what was sent of it."""
    monkeypatch.setattr(drafts, "PART_BYTES", 4096)
    account.execute("create file format PARTS type = parquet")
    schema = pa.schema([("n", pa.int64())])
    seen: dict[str, int] = {}

    def batches():
        for start in range(0, 4000, 100):
            seen.update(bytes_in_parts(account))
            yield pa.record_batch({"n": range(start, start + 100)}, schema=schema)

    saved = place.save(FREE, "v1", pa.RecordBatchReader.from_batches(schema, batches()))

    assert saved.rows == 4000
    # Six batches of 800 bytes are the first that have 4096; the last file comes after the last.
    assert len(seen) == 6
    assert set(seen.values()) == {4800}
    assert place.load(FREE, "v1", frame="arrow")["n"].to_pylist() == list(range(4000))


def bytes_in_parts(account):
    """Return for each file of a table that still comes how many bytes its whole numbers are."""
    found = {}
    for stage in account.rows("show stages like 'MLOPS_PARTS%'"):
        for file in account.rows(f"list @{stage['name']}"):
            name = file["name"].rpartition("/")[2]
            (row,) = account.rows(
                f"select 8 * count(*) as bytes from @{stage['name']}/{name}"
                " (file_format => 'PARTS')"
            )
            found[name] = row["bytes"]
    return found


def test_rows_that_do_not_arrive_are_told_and_the_old_table_stands(place, account, monkeypatch):
    """An upload that is lost without an error must not become a table without rows."""
    place.save(FREE, "v1", typed(id=[7, 8, 9]))
    monkeypatch.setattr(account, "upload", lambda file, stage: None)

    with pytest.raises(PlatformError, match="3 rows were sent and 0 arrived"):
        place.save(FREE, "v1", typed())
    monkeypatch.undo()

    assert sorted(place.load(FREE, "v1", frame="arrow")["id"].to_pylist()) == [7, 8, 9]


def test_a_table_without_rows_is_a_table(place):
    saved = place.save(TYPED, "v1", typed().slice(0, 0))

    assert saved.rows == 0
    assert place.load(TYPED, "v1", frame="pandas").columns.tolist() == typed().column_names
    assert place.load(TYPED, "v1", frame="arrow_batches").read_all().num_rows == 0


def test_rows_come_in_the_order_of_their_keys(place):
    place.save(TYPED, "v1", typed(id=[3, 1, 2]))

    assert place.load(TYPED, "v1", frame="arrow")["id"].to_pylist() == [1, 2, 3]


def test_what_is_in_memory_or_in_another_database_is_brought_there(place):
    place.save(FREE, "v1", pa.table({"n": [1, 2]}))
    lazy = place.load(FREE, "v1", frame="ibis")
    duckdb = ibis.duckdb.connect()

    place.save(FREE, "v2", ibis.memtable({"n": [5, 6]}))
    place.save(FREE, "v3", duckdb.create_table("t", ibis.memtable({"n": [7]})).mutate(m=8))
    place.save(FREE, "v4", lazy.n.name("m"))

    assert place.load(FREE, "v2", frame="arrow").to_pydict() == {"n": [5, 6]}
    assert place.load(FREE, "v3", frame="arrow").to_pydict() == {"n": [7], "m": [8]}
    assert place.load(FREE, "v4", frame="arrow").to_pydict() == {"m": [1, 2]}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": [1, 1, 2]}, "id: 1 value not unique, as 1"),
        ({"share": [0.1, float("nan"), None]}, "share: 2 values missing"),
        ({"share": [0.1, 1.5, -2.0]}, "share: 1 value below 0, as -2.0"),
        ({"day": [dt.date(2025, 12, 31)] * 3}, "day: 3 values below 2026-01-01"),
        ({"plan": ["it's", "x', 'y", "b"]}, "plan: 2 values not allowed"),
        ({"small": [1, 2, 2**31]}, "small' is int32"),
    ],
)
def test_what_breaks_the_catalog_is_refused_and_nothing_is_left(place, account, change, told):
    with pytest.raises(DataError) as caught:
        place.save(TYPED, "v1", typed(**change))

    assert told in str(caught.value)
    assert place.find(TYPED, "v1") is None
    assert account.rows("show tables like 'MLOPS_DRAFT%'") == []
    assert account.rows("show tables like 'TYPED%'") == []


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (lambda t: t.n + 0.5, "'n' is int32, and 2 of its values are not"),
        (lambda t: t.n + 2**31, "n: 2 values beyond what int32 holds"),
    ],
)
def test_what_the_account_computes_is_no_other_than_promised(place, column, told):
    place.save(FREE, "v1", pa.table({"n": [1, 2]}))
    lazy = place.load(FREE, "v1", frame="ibis")
    whole = DatasetSpec(name="whole", kind="table", columns=(ColumnSpec(name="n", type="int32"),))

    with pytest.raises(DataError, match=told):
        place.save(whole, "v1", lazy.select(n=column(lazy)))

    assert place.find(whole, "v1") is None


def test_a_float_that_is_whole_becomes_an_integer(place):
    place.save(FREE, "v1", pa.table({"n": [1.0, 2.0]}))
    whole = DatasetSpec(name="whole", kind="table", columns=(ColumnSpec(name="n", type="integer"),))

    place.save(whole, "v1", place.load(FREE, "v1", frame="ibis"))

    assert place.load(whole, "v1", frame="arrow").schema.field("n").type == pa.int64()


def test_a_source_is_a_table_that_somebody_put_there(place, account):
    source = msgspec.structs.replace(TYPED, path="data/typed.csv")
    account.execute(
        "create table typed as select 1 as id, 2 as small, 0.5::float as share,"
        " '2026-05-01'::date as day, 'it''s' as plan"
    )

    found = place.find(source, "v1.0.0")

    assert (found.rows, place.why_not_found(source, "v1.0.0")) == (1, "")
    loaded = place.load(source, "v1.0.0", frame="arrow")
    assert loaded.schema.field("small").type == pa.int32()
    assert place.load(source, "v1.0.0", frame="ibis").small.max().to_pyarrow().as_py() == 2
    account.execute("insert into typed select 2, 2, 0.5, '2026-05-01', 'it''s'")
    assert place.find(source, "v1.0.0").content != found.content
    account.execute("update typed set share = 7")
    assert place.why_not_found(source, "v1.0.0") == "damaged"
    with pytest.raises(DataError, match="share: 2 values above 1"):
        place.load(source, "v1.0.0", frame="pandas")


def test_a_source_that_nobody_put_there_says_where_to(place):
    source = msgspec.structs.replace(TYPED, path="data/typed.csv")

    with pytest.raises(DataError, match="missing") as caught:
        place.load(source, "v1.0.0", frame="pandas")

    assert "into the table TYPED" in caught.value.remedy


def test_a_file_of_a_computer_is_not_in_the_account(place):
    assert place.find(TYPED, "data/typed.csv") is None
    with pytest.raises(DataError, match="file of a computer"):
        place.load(TYPED, "data/typed.csv", frame="pandas")


def test_upkeep_that_changes_no_row_is_no_damage(place, account):
    saved = place.save(FREE, "v1", pa.table({"n": [1, 2]}))

    account.execute('update "FREE$v1" set n = n')

    assert place.find(FREE, "v1") == saved


def test_a_change_on_purpose_is_accepted_when_its_row_is_deleted(place, account):
    place.save(FREE, "v1", pa.table({"n": [1, 2]}))
    account.execute('update "FREE$v1" set n = 5')
    with pytest.raises(DataError) as caught:
        place.load(FREE, "v1", frame="arrow")

    account.execute(caught.value.remedy.partition("delete its row: ")[2])

    assert place.load(FREE, "v1", frame="arrow")["n"].to_pylist() == [5, 5]


def test_another_catalog_than_that_of_the_write_is_told(place):
    place.save(TYPED, "v1", typed())
    changed = msgspec.structs.replace(
        TYPED, columns=(*TYPED.columns[:-1], ColumnSpec(name="plan", type="string"))
    )

    assert place.why_not_found(changed, "v1") == "damaged"
    with pytest.raises(DataError, match="'plan' is category and not string"):
        place.load(changed, "v1", frame="pandas")


def test_a_new_check_is_asked_of_what_stands(place):
    place.save(TYPED, "v1", typed())
    stricter = msgspec.structs.replace(
        TYPED, columns=(msgspec.structs.replace(TYPED.columns[0], maximum=2), *TYPED.columns[1:])
    )

    with pytest.raises(DataError, match="id: 1 value above 2, as 3"):
        place.load(stricter, "v1", frame="pandas")


@pytest.mark.parametrize("name", ["select", "9lives", "a-b", 'a"b', "a$b", "ä"])
def test_a_name_that_cannot_be_in_an_account_is_refused(place, name):
    with pytest.raises(DataError, match="cannot stand in an account"):
        place.save(DatasetSpec(name=name, kind="table"), "v1", pa.table({"n": [1]}))


@pytest.mark.parametrize("version", ["", "v 1", "v1'; drop table x; --", 'v"1', "$"])
def test_a_version_that_cannot_be_in_an_account_is_refused(place, version):
    with pytest.raises(DataError):
        place.save(FREE, version, pa.table({"n": [1]}))


def test_a_frame_of_pandas_is_as_it_was(place):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.Categorical(["v", "u"])})

    place.save(FREE, "v1", frame)

    pd.testing.assert_frame_equal(place.load(FREE, "v1", frame="pandas"), frame)
