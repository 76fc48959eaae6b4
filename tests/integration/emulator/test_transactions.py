"""What a transaction keeps and takes back, when a statement in it fails and when files are loaded.

Snowflake goes on with a transaction after a statement in it failed; where an emulator cannot, it
must not say that it has committed.
"""

from __future__ import annotations

import contextlib

import pytest
from snowflake.connector.errors import DatabaseError, ProgrammingError


@pytest.fixture
def loading(run, tmp_path):
    """A table and a stage with one file of two rows."""
    file = tmp_path / "two.csv"
    file.write_text("1\n2\n")
    run("create table t (id int)")
    run("create stage st")
    run(f"put file://{file} @st auto_compress = false")


def test_a_commit_after_a_failed_statement_keeps_the_good_rows_or_fails(run):
    run("create table t (id int)")
    run("begin")
    run("insert into t (id) values (78)")
    with pytest.raises(ProgrammingError) as caught:
        run("insert into t (id) values ('bad')")
    committed = True
    try:
        run("commit")
    except DatabaseError:
        committed = False
        run("rollback")

    assert caught.value.errno == 100038
    assert run("select count(*) from t where id = 78") == [(int(committed),)]


def test_what_ends_a_transaction_by_itself_keeps_the_good_rows_or_fails(run):
    run("create table t (id int)")
    run("begin")
    run("insert into t (id) values (78)")
    with contextlib.suppress(ProgrammingError):
        run("insert into t (id) values ('bad')")
    committed = True
    try:
        run("create table other (id int)")
    except DatabaseError:
        committed = False
        run("rollback")

    assert run("select count(*) from t") == [(int(committed),)]
    assert len(run("show tables like 'OTHER'")) == int(committed)


def test_a_load_that_was_rolled_back_can_be_done_again(run, loading):
    run("begin")
    first = run("copy into t from @st")
    again = run("copy into t from @st")
    run("rollback")
    after = run("copy into t from @st")

    assert [first[0][1], again[0][1], after[0][1]] == ["LOADED", "LOAD_SKIPPED", "LOADED"]
    assert run("select count(*) from t") == [(2,)]


def test_a_load_that_was_committed_is_remembered(run, loading):
    run("begin")
    run("copy into t from @st")
    run("commit")

    assert run("copy into t from @st")[0][1] == "LOAD_SKIPPED"


def test_files_are_purged_when_the_load_is_committed(run, loading):
    run("begin")
    run("copy into t from @st purge = true")
    assert len(run("list @st")) == 1
    run("rollback")
    assert len(run("list @st")) == 1

    run("begin")
    run("copy into t from @st purge = true")
    run("commit")

    assert run("list @st") == []
    assert run("select count(*) from t") == [(2,)]
