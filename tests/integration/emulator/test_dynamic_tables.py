"""Dynamic tables through the official connector: made, shown, refreshed, suspended, refused.

What needs time to pass is in ``itself/test_dynamic_tables_clock.py``.
"""

from __future__ import annotations

import json

import pytest
from snowflake.connector.errors import ProgrammingError


@pytest.fixture
def warehouse(run):
    return run("select current_warehouse()")[0][0]


@pytest.fixture
def source(run):
    run("create table t (id int, v float)")
    run("insert into t values (1, 2.0), (2, 5.0)")


@pytest.fixture
def make(run, warehouse, source):
    def call(name="dt", query="select id, sum(v) as total from t group by id", **options):
        given = {"target_lag": "'1 hour'", "warehouse": warehouse, **options}
        said = " ".join(f"{key} = {value}" for key, value in given.items())
        return run(f"create dynamic table {name} {said} as {query}")

    return call


@pytest.fixture
def shown(connection):
    def call(name="DT"):
        from snowflake.connector import DictCursor

        cursor = connection.cursor(DictCursor)
        (row,) = cursor.execute(f"show dynamic tables like '{name}'").fetchall()
        return row

    return call


def test_it_has_the_rows_of_its_query(make, run):
    answer = make()

    assert "successfully created" in answer[0][0]
    assert sorted(run("select * from dt")) == [(1, 2.0), (2, 5.0)]


def test_it_does_not_change_before_it_is_refreshed(make, run):
    make()
    run("insert into t values (1, 3.0)")
    before = sorted(run("select * from dt"))

    run("alter dynamic table dt refresh")

    assert before == [(1, 2.0), (2, 5.0)]
    assert sorted(run("select * from dt")) == [(1, 5.0), (2, 5.0)]


def test_show_says_what_was_asked_for(run, warehouse, source, shown):
    text = (
        f"create dynamic table dt (id comment 'the key', v) target_lag = '2 hours' "
        f"warehouse = {warehouse} refresh_mode = auto initialize = on_create "
        "cluster by (id) comment = 'said' as select * from t"
    )
    run(text)

    row = shown()
    assert row["target_lag"] == "2 hours"
    assert row["warehouse"] == warehouse
    assert row["refresh_mode"] == "INCREMENTAL"
    assert row["scheduling_state"] == "ACTIVE"
    assert row["comment"] == "said"
    assert "id" in row["cluster_by"].lower()
    assert row["text"].lower() == text.lower()
    assert row["rows"] == 2
    assert row["data_timestamp"] is not None


def test_describe_shows_types_and_comments(run, warehouse, source):
    run(
        f"create dynamic table dt (k comment 'the key', v) target_lag = '1 hour' "
        f"warehouse = {warehouse} as select id, v from t"
    )

    found = {row[0]: (row[1], row[9]) for row in run("describe dynamic table dt")}

    assert found == {"K": ("NUMBER(38,0)", "the key"), "V": ("FLOAT", None)}


def test_auto_takes_full_where_it_must_and_says_why(make, shown):
    make(query="select id, current_timestamp() as at from t")

    row = shown()
    assert row["refresh_mode"] == "FULL"
    assert row["refresh_mode_reason"]


def test_a_table_that_reads_a_full_one_is_full(make, shown):
    make(refresh_mode="full")
    make(name="d2", query="select * from dt")

    assert shown("D2")["refresh_mode"] == "FULL"


def test_the_history_tells_each_refresh(make, run):
    make()
    run("insert into t values (3, 1.0)")
    run("alter dynamic table dt refresh")
    run("alter dynamic table dt refresh")

    found = run(
        "select state, refresh_action, refresh_trigger, statistics, qualified_name, target_lag_sec "
        "from table(information_schema.dynamic_table_refresh_history(name => 'DT')) "
        "order by refresh_start_time"
    )
    assert [row[:3] for row in found] == [
        ("SUCCEEDED", "INCREMENTAL", "CREATION"),
        ("SUCCEEDED", "INCREMENTAL", "MANUAL"),
        ("SUCCEEDED", "NO_DATA", "MANUAL"),
    ]
    assert json.loads(found[1][3])["numInsertedRows"] == 1
    assert all(row[4].endswith(".DT") and row[5] == 3600 for row in found)


def test_a_table_that_was_dropped_leaves_no_history_to_its_namesake(make, run):
    make()
    run("drop dynamic table dt")
    make()

    found = run("select 1 from table(information_schema.dynamic_table_refresh_history(name=>'DT'))")

    assert len(found) == 1


def test_a_refresh_that_fails_is_told_and_changes_nothing(make, run):
    make()
    run("alter table t rename column v to w")

    with pytest.raises(ProgrammingError):
        run("alter dynamic table dt refresh")

    assert sorted(run("select * from dt")) == [(1, 2.0), (2, 5.0)]
    found = run(
        "select state, state_message from table("
        "information_schema.dynamic_table_refresh_history(name => 'DT', error_only => true))"
    )
    assert [row[0] for row in found] == ["FAILED"]
    assert found[0][1]


def test_a_refresh_by_hand_refreshes_upstream_first(make, run):
    make(target_lag="downstream")
    make(name="d2", query="select id, total * 10 as tens from dt")
    run("insert into t values (1, 1.0)")

    run("alter dynamic table d2 refresh")

    assert sorted(run("select * from d2")) == [(1, 30.0), (2, 50.0)]
    assert sorted(run("select * from dt")) == [(1, 3.0), (2, 5.0)]


def test_suspending_takes_what_is_downstream_with_it(make, run, shown):
    make()
    make(name="d2", query="select * from dt")
    run("alter dynamic table dt suspend")
    suspended = [shown(name)["scheduling_state"] for name in ("DT", "D2")]
    with pytest.raises(ProgrammingError):
        run("alter dynamic table d2 resume")

    run("alter dynamic table dt resume")

    assert suspended == ["SUSPENDED", "SUSPENDED"]
    assert [shown(name)["scheduling_state"] for name in ("DT", "D2")] == ["ACTIVE", "ACTIVE"]


def test_a_suspended_table_may_be_refreshed_by_hand(make, run):
    make()
    run("alter dynamic table dt suspend")
    run("insert into t values (1, 1.0)")

    run("alter dynamic table dt refresh")

    assert sorted(run("select * from dt")) == [(1, 3.0), (2, 5.0)]


def test_lag_warehouse_and_comment_can_be_changed(make, run, shown, warehouse):
    make()

    run(f"alter dynamic table dt set target_lag = '3 hours' warehouse = {warehouse}")
    run("alter dynamic table dt set comment = 'other'")
    row = shown()
    run("alter dynamic table dt unset comment")

    assert (row["target_lag"], row["comment"]) == ("3 hours", "other")
    assert row["warehouse"] == warehouse.upper()
    assert not shown()["comment"]


def test_it_can_be_renamed_and_still_refreshes(make, run, shown):
    make()
    run("alter dynamic table dt rename to renamed")
    run("insert into t values (1, 1.0)")

    run("alter dynamic table renamed refresh")

    assert shown("RENAMED")["name"] == "RENAMED"
    assert sorted(run("select * from renamed")) == [(1, 3.0), (2, 5.0)]


def test_dropped_it_is_gone(make, run):
    make()

    run("drop dynamic table dt")

    assert run("show dynamic tables") == []
    with pytest.raises(ProgrammingError, match="002003"):
        run("select * from dt")
    with pytest.raises(ProgrammingError, match="002003"):
        run("drop dynamic table dt")
    assert "already dropped" in run("drop dynamic table if exists dt")[0][0]


def test_replacing_it_takes_the_new_query(make, run, warehouse):
    make()

    run(
        f"create or replace dynamic table dt target_lag = '1 hour' warehouse = {warehouse} "
        "as select count(*) as n from t"
    )

    assert run("select n from dt") == [(2,)]


def test_a_replacement_that_fails_leaves_the_old_one(make, run, warehouse):
    make()

    with pytest.raises(ProgrammingError):
        run(
            f"create or replace dynamic table dt target_lag = '1 hour' warehouse = {warehouse} "
            "as select nothing from t"
        )

    assert sorted(run("select * from dt")) == [(1, 2.0), (2, 5.0)]
    run("alter dynamic table dt refresh")


def test_tags_are_set_with_it_and_read_back(run, warehouse, source):
    run("create tag owner_tag")
    run(
        f"create dynamic table dt target_lag = '1 hour' warehouse = {warehouse} "
        "with tag (owner_tag = 'me') as select * from t"
    )

    assert run("select system$get_tag('owner_tag', 'dt', 'table')") == [("me",)]


def test_a_view_between_two_of_them_is_seen_through(make, run):
    make(target_lag="downstream")
    run("create view between_them as select * from dt where id = 1")
    make(name="d2", query="select * from between_them")
    run("insert into t values (1, 1.0)")

    run("alter dynamic table d2 refresh")

    assert run("select * from d2") == [(1, 3.0)]


def test_one_that_waits_for_its_schedule_cannot_be_read_before(make, run):
    make(target_lag="downstream", initialize="on_schedule")

    with pytest.raises(ProgrammingError, match="not initialized"):
        run("select * from dt")

    run("alter dynamic table dt refresh")
    assert len(run("select * from dt")) == 2


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("create dynamic table x target_lag = '1 hour' as select * from t", 2029),
        ("create dynamic table x warehouse = {w} as select * from t", 2029),
        (
            "create dynamic table x target_lag = '1 hour' warehouse = no_such as select * from t",
            2003,
        ),
        (
            "create dynamic table x target_lag = '1 hour' warehouse = default as select * from t",
            2736,
        ),
        ("create dynamic table x target_lag = '1 hour' warehouse = {w} as select 1 as a", 2728),
        (
            "create dynamic table x target_lag = '9 seconds' warehouse = {w} as select * from t",
            1008,
        ),
        (
            "create dynamic table x target_lag = '1 hour' warehouse = {w} "
            "refresh_mode = incremental as select id from t limit 1",
            2,
        ),
        (
            "create dynamic table x target_lag = '1 hour' warehouse = {w} refresh_mode = often "
            "as select * from t",
            1008,
        ),
        (
            "create dynamic table x target_lag = '1 hour' warehouse = {w} color = 'red' "
            "as select * from t",
            1008,
        ),
        (
            "create temporary dynamic table x target_lag = '1 hour' warehouse = {w} "
            "as select * from t",
            1003,
        ),
        ("create dynamic table dt target_lag = '1 hour' warehouse = {w} as select * from t", 2002),
        ("create view dt as select * from t", 1998),
        ("alter dynamic table no_such refresh", 2003),
        ("insert into dt values (1, 1)", 1008),
        ("update dt set total = 1", 1008),
        ("delete from dt", 1008),
        ("truncate table dt", 1008),
    ],
)
def test_what_snowflake_refuses_is_refused(make, run, warehouse, statement, number):
    make()

    with pytest.raises(ProgrammingError) as caught:
        run(statement.format(w=warehouse))

    assert caught.value.errno == number
    assert sorted(run("select * from dt")) == [(1, 2.0), (2, 5.0)]
