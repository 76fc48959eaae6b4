"""Tables of an account: types, names, forms, checks, and what a failure leaves behind."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from decimal import Decimal

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
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.place import SnowflakePlace
from tests.integration.snowflake.framework_tables import make_tables

pytestmark = pytest.mark.filterwarnings("ignore")

FREE = DatasetSpec(name="free", kind="table")
TYPED = DatasetSpec(
    name="typed",
    kind="table",
    join_keys=("id",),
    columns=(
        ColumnSpec(name="id", type="integer", nullable=False, unique=True),
        ColumnSpec(name="small", type="int32"),
        ColumnSpec(name="share", type="float", nullable=False, minimum=0, maximum=1),
        ColumnSpec(name="day", type="date", minimum="2026-01-01"),
        ColumnSpec(name="plan", type="category", allowed=("it's", 'a "plan"', "x\\y")),
    ),
)
EVERY_TYPE = pa.table(
    {
        "whole": pa.array([1, None, 2**62], pa.int64()),
        "narrow": pa.array([-128, None, 127], pa.int8()),
        # The emulator's engine keeps whole numbers in 64 bits, Snowflake in 38 digits.
        "unsigned": pa.array([0, None, 2**63 - 1], pa.uint64()),
        "real": pa.array([0.1, None, -1e300], pa.float64()),
        "single": pa.array([0.5, None, 1.5], pa.float32()),
        "flag": pa.array([True, None, False]),
        "text": pa.array(["ä\n", None, "'; drop table free; --"]),
        "day": pa.array([dt.date(2026, 1, 31), None, dt.date(1, 1, 1)]),
        "instant": pa.array([1_000_001, None, 0], pa.timestamp("us", "UTC")),
        "moment": pa.array([1_000_001, None, 0], pa.timestamp("us")),
        "clock": pa.array([dt.time(23, 59, 59, 1), None, dt.time(0)], pa.time64("us")),
        "bytes": pa.array([b"\x00\xff", None, b""], pa.binary()),
        "money": pa.array([Decimal("1.50"), None, Decimal("-2.00")], pa.decimal128(10, 2)),
        "kind": pa.array(["b", None, "a"]).dictionary_encode(),
    }
)


@pytest.fixture
def account(make_account, database):
    opened = make_account(database=database, schema="ML")
    make_tables(opened, database)
    opened.execute("create stage MLOPS_ARTIFACTS")
    return opened


@pytest.fixture
def names(database):
    return Names(database=database, schema="ML")


@pytest.fixture
def place(account, names):
    return SnowflakePlace(account, names)


def typed(**changes):
    columns = {
        "id": [1, 2, 3],
        "small": [1, 2, 3],
        "share": [0.0, 0.5, 1.0],
        "day": [dt.date(2026, 1, 1)] * 3,
        "plan": ["it's", 'a "plan"', "x\\y"],
    }
    return pa.table(columns | changes)


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


def test_a_large_table_goes_in_files_of_bounded_size(place, account, monkeypatch):
    monkeypatch.setattr(drafts, "PART_BYTES", 4096)
    schema = pa.schema([("n", pa.int64())])

    def batches():
        for start in range(0, 4000, 100):
            yield pa.record_batch({"n": range(start, start + 100)}, schema=schema)

    saved = place.save(FREE, "v1", pa.RecordBatchReader.from_batches(schema, batches()))

    assert saved.rows == 4000
    assert place.load(FREE, "v1", frame="arrow")["n"].to_pylist() == list(range(4000))


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


class Failing:
    """The account's edge: the connection breaks at one statement, and is back for the next."""

    def __init__(self, account, at):
        self._account = account
        self._left = at

    def __getattr__(self, name):
        return getattr(self._account, name)

    def _counted(self, call, *given):
        self._left -= 1
        if self._left == 0:
            raise PlatformError("the connection broke")
        return call(*given)

    def rows(self, *given):
        return self._counted(self._account.rows, *given)

    def execute(self, *given):
        return self._counted(self._account.execute, *given)

    def upload(self, *given):
        return self._counted(self._account.upload, *given)


@pytest.mark.parametrize("lazily", [False, True], ids=["frame", "expression"])
def test_a_failure_at_any_statement_leaves_the_old_or_the_new(account, make_account, names, lazily):
    entity = msgspec.structs.replace(TYPED, entity="thing")
    place = SnowflakePlace(account, names)
    place.save(FREE, "v1", typed(id=[7, 8, 9]))
    place.feature_store  # noqa: B018 -- opened once, it asks the account by itself
    old = place.save(entity, "v1", typed())
    seen = set()

    for at in range(1, 60):
        failing = SnowflakePlace(Failing(account, at), names)
        value = typed(id=[7, 8, 9])
        if lazily:
            value = place.load(FREE, "v1", frame="ibis")
        try:
            failing.save(entity, "v1", value)
        except PlatformError:
            pass
        else:
            seen.add("finished")
            break
        ids = account.rows(f"select id from {names.sql('TYPED$v1')} order by id")
        assert [row["id"] for row in ids] in ([1, 2, 3], [7, 8, 9])
        found = SnowflakePlace(account, names).find(entity, "v1")
        state = "old" if found == old else "new" if found else "damaged"
        assert state == "old" or [row["id"] for row in ids] == [7, 8, 9]
        seen.add(state)
        if state != "old":
            old = place.save(entity, "v1", typed())

    assert "finished" in seen
    assert "old" in seen
    # What is temporary goes with the session that broke.
    other = make_account(database=names.database, schema=names.schema)
    assert other.rows("show tables like 'MLOPS_DRAFT%'") == []


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


KILLED = """
import os, signal, sys
import pyarrow as pa
from sf_ml_framework import connection
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.place import SnowflakePlace
from sf_ml_framework.places.snowflake.session import Account

flags, database, moment = eval(sys.argv[1]), sys.argv[2], sys.argv[3]

class Dying(Account):
    def execute(self, sql, binds=()):
        is_it = sql.startswith("CREATE OR REPLACE")
        if is_it and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = super().execute(sql, binds)
        if is_it:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

account = Dying(connection.resolve(None, flags, {}), database=database, schema="ML")
place = SnowflakePlace(account, Names(database=database, schema="ML"))
place.save(DatasetSpec(name="free", kind="table"), "v1", pa.table({"n": [3, 4, 5]}))
"""


@pytest.mark.parametrize(("moment", "rows"), [("before", [1, 2]), ("after", [3, 4, 5])])
def test_a_killed_process_leaves_the_old_table_or_the_new(
    place, account, names, connection_flags, emulator, moment, rows
):
    """Killed between table and row, it leaves a whole table that is made again."""
    saved = place.save(FREE, "v1", pa.table({"n": [1, 2]}))
    arguments = [repr(connection_flags), names.database, moment]

    done = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    found = account.rows('select n from "FREE$v1" order by n')
    assert [row["n"] for row in found] == rows
    after = SnowflakePlace(account, names)
    assert after.find(FREE, "v1") == (saved if moment == "before" else None)
    assert after.why_not_found(FREE, "v1") == ("" if moment == "before" else "damaged")
    assert account.rows("show tables like 'MLOPS_DRAFT%'") == []
