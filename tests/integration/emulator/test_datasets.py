"""Datasets through the official Dataset class, and the statements below it."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from snowflake.connector.errors import ProgrammingError

dataset = pytest.importorskip("snowflake.ml.dataset")
from snowflake.ml._internal.exceptions.dataset_errors import (
    DatasetExistError,
    DatasetNotExistError,
)

ROWS = [[1, "a", 0.5], [2, "b", 1.5], [3, None, None]]


@pytest.fixture
def frame(session):
    return session.create_dataframe(ROWS, schema=["id", "s", "x"])


@pytest.fixture
def made(session, frame):
    empty = dataset.create_from_dataframe(session, "ds", "v1", input_dataframe=frame)
    assert empty.selected_version is not None
    return empty


def test_the_rows_come_back_as_pandas(made):
    found = made.read.to_pandas().sort_values("ID").reset_index(drop=True)

    assert found["ID"].tolist() == [1, 2, 3]
    assert found["S"].tolist()[:2] == ["a", "b"]
    assert pd.isna(found["S"][2])
    assert found["X"].tolist()[:2] == [0.5, 1.5]


def test_the_rows_come_back_as_a_snowpark_frame(made):
    found = made.read.to_snowpark_dataframe().sort("ID").collect()

    assert [list(row) for row in found] == ROWS


def test_a_version_does_not_change_with_its_source(session):
    session.sql("create table t as select 1 as id").collect()
    kept = dataset.create_from_dataframe(
        session, "frozen", "v1", input_dataframe=session.table("t")
    )

    session.sql("insert into t values (2)").collect()

    assert kept.read.to_pandas()["ID"].tolist() == [1]


def test_the_files_are_listed_by_url(made):
    files = made.read.files()

    assert files
    assert all(file.startswith("snow://dataset/") and "/versions/v1/" in file for file in files)
    assert all(file.endswith(".parquet") for file in files)


def test_a_presigned_url_gives_the_file(made, session):
    import urllib.request

    url, name = made.selected_version.url(), made.read.files()[0].rsplit("/", 1)[1]
    (signed,) = session.sql(f"select get_presigned_url('{url}', '{name}', 60)").collect()[0]

    with urllib.request.urlopen(signed, timeout=60) as answer:
        assert answer.read()[:4] == b"PAR1"


def test_versions_are_added_listed_and_dropped(made, frame):
    made.create_version("v2", frame.filter("id = 1"), comment="only one")

    assert made.list_versions() == ["v1", "v2"]
    second = made.select_version("v2")
    assert second.read.to_pandas()["ID"].tolist() == [1]
    assert second.selected_version.comment == "only one"
    made.delete_version("v1")
    assert made.list_versions() == ["v2"]


def test_what_a_version_was_made_of_is_kept(session, frame):
    kept = dataset.create_from_dataframe(
        session, "labelled", "v1", input_dataframe=frame, label_cols=["X"], exclude_cols=["S"]
    )

    again = dataset.load_dataset(session, "labelled", "v1")

    assert again.selected_version.label_cols == ["X"]
    assert again.read.to_snowpark_dataframe(only_feature_cols=True).columns == ["ID"]
    assert kept.selected_version.created_on is not None


def test_a_version_may_be_partitioned(session, frame):
    parts = dataset.create_from_dataframe(session, "parts", "v1", input_dataframe=frame.limit(0))

    parts = parts.create_version("v2", frame, partition_by="mod(id, 2)")

    # One folder for each value; the client's own reader does not look into folders.
    assert len(parts.selected_version.list_files()) == 2
    found = parts.read.to_snowpark_dataframe().collect()
    assert sorted(row["ID"] for row in found) == [1, 2, 3]


def test_a_version_may_have_any_name(session, frame):
    named = dataset.create_from_dataframe(session, '"My set"', "v1.2.0-rc 1", input_dataframe=frame)

    assert named.list_versions() == ["v1.2.0-rc 1"]
    assert len(named.read.to_pandas()) == 3


def test_a_second_of_the_same_name_is_refused(session, made, frame):
    with pytest.raises(DatasetExistError):
        dataset.create_from_dataframe(session, "ds", "v1", input_dataframe=frame)
    with pytest.raises(DatasetExistError):
        made.create_version("v1", frame)


def test_what_is_not_there_is_not_found(session, made, frame):
    with pytest.raises(DatasetNotExistError):
        dataset.load_dataset(session, "nothing", "v1")
    with pytest.raises(DatasetNotExistError):
        made.select_version("v9")
    made.delete()
    with pytest.raises(DatasetNotExistError):
        made.create_version("v2", frame)


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("create dataset ds", 2002),
        ("drop dataset no_such", 2003),
        ("alter dataset no_such add version 'v' from (select 1 as a)", 399019),
        ("alter dataset ds add version 'v1' from (select 1 as a)", 399020),
        ("alter dataset ds drop version 'v9'", 399012),
        ("show versions in dataset no_such", 2043),
        ("list 'snow://dataset/no_such/versions/v1/'", 2003),
    ],
)
def test_a_statement_is_refused_with_the_number_that_clients_look_for(run, statement, number):
    run("create dataset ds")
    run("alter dataset ds add version 'v1' from (select 1 as a) metadata = $${\"k\": 1}$$")

    with pytest.raises(ProgrammingError) as caught:
        run(statement)

    assert caught.value.errno == number
    assert json.loads(run("show versions in dataset ds")[0][3]) == {"k": 1}
