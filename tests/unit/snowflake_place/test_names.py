"""Names on their way into an account, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.snowflake.merging import merge
from sf_ml_framework.places.snowflake.names import (
    Names,
    account_column,
    account_columns,
    literal,
    our_column,
)

NAMES = Names(database="ML_DEV", schema="ML")
FEATURES = DatasetSpec(name="features", kind="table", entity="customer")
PLAIN = DatasetSpec(name="scores", kind="table")


def unquoted(text):
    """Read a string constant as Snowflake does."""
    assert text[0] == text[-1] == "'"
    found, rest = "", text[1:-1]
    while rest:
        if rest[:2] in ("''", "\\\\"):
            found, rest = found + rest[0], rest[2:]
        else:
            assert rest[0] not in "'\\"
            found, rest = found + rest[0], rest[1:]
    return found


@given(st.text().filter(lambda text: "\0" not in text))
def test_a_text_in_sql_is_read_back_as_it_was(text):
    assert unquoted(literal(text)) == text


def test_a_text_with_a_zero_byte_is_refused():
    with pytest.raises(DataError, match="zero byte"):
        literal("a\0b")


@given(st.from_regex(r"[a-z_][a-z0-9_$]*", fullmatch=True))
def test_a_column_of_ours_comes_back_from_the_account(name):
    assert account_column(name) == name.upper()
    assert our_column(account_column(name)) == name


@pytest.mark.parametrize("name", ["Mixed", "with space", "ä", 'q"', "1st", "UPPER"])
def test_other_columns_stay_as_they_are_written(name):
    assert account_column(name) == name


def test_columns_that_would_be_one_are_refused():
    with pytest.raises(DataError, match="'a' and 'A' would both be 'A'"):
        account_columns(["a", "b", "A"], "a table")


def test_a_feature_view_has_the_name_of_the_version_and_its_table_another():
    assert NAMES.version(FEATURES, "v1.2.0") == "FEATURES$v1.2.0"
    assert NAMES.table(FEATURES, "v1.2.0") == "FEATURES$v1.2.0$DATA"
    assert NAMES.table(PLAIN, "v1") == "SCORES$v1"


def test_an_object_is_shown_as_one_would_type_it():
    assert NAMES.shown("FEATURES$V1") == "ML_DEV.ML.FEATURES$V1"
    assert NAMES.shown("FEATURES$v1.0") == 'ML_DEV.ML."FEATURES$v1.0"'
    assert NAMES.sql("X") == '"ML_DEV"."ML"."X"'


@pytest.mark.parametrize("version", ["", "../v1", "v1/x", "v1'", "v 1"])
def test_no_version_leads_out_of_its_folder(version):
    with pytest.raises(DataError):
        NAMES.folder(PLAIN, version, "0" * 64)


def test_a_merge_replaces_what_has_the_key_and_binds_every_value():
    sql = merge('"T"', ("a", "b", "c"), keys=2, types={"c": "FLOAT"})
    both = merge('"T"', ("a", "b", "c"), keys=2, types={"c": "FLOAT"}, rows=2)

    assert sql == (
        'MERGE INTO "T" AS kept USING (SELECT ? AS "A", ? AS "B", CAST(? AS FLOAT) AS "C") AS new'
        ' ON kept."A" = new."A" AND kept."B" = new."B"'
        ' WHEN MATCHED THEN UPDATE SET "C" = new."C"'
        ' WHEN NOT MATCHED THEN INSERT ("A", "B", "C") VALUES (new."A", new."B", new."C")'
    )
    row = 'SELECT ? AS "A", ? AS "B", CAST(? AS FLOAT) AS "C"'
    assert both == sql.replace(row, f"{row} UNION ALL {row}")
