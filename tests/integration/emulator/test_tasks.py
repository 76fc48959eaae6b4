"""Tasks by SQL through the official connector: definitions, graphs, runs, history."""

from __future__ import annotations

import json

import pytest
from snowflake.connector import DictCursor
from snowflake.connector.errors import ProgrammingError


@pytest.fixture
def show(connection):
    def call(sql):
        return connection.cursor(DictCursor).execute(sql).fetchall()

    return call


def test_a_task_is_shown_as_documented(run, show):
    run(
        "create task one warehouse = compute_wh schedule = 'USING CRON 7 3 * * * UTC' "
        """config = $${"k": "v"}$$ overlap_policy = allow_child_overlap query_tag = 'x' """
        "user_task_timeout_ms = 60000 comment = 'mine' as select 1;"
    )
    run("create task two after one when system$stream_has_data('s') as call something()")
    run("create task three finalize = one as begin let x := 1; return x; end")
    one, three, two = show("show tasks")

    assert [row["name"] for row in show("show tasks root only")] == ["ONE"]
    assert (one["state"], one["schedule"]) == ("suspended", "USING CRON 7 3 * * * UTC")
    assert (one["warehouse"], one["comment"], one["definition"]) == (
        "COMPUTE_WH",
        "mine",
        "select 1",
    )
    assert one["allow_overlapping_execution"] == "true"
    assert json.loads(one["config"]) == {"k": "v"}
    assert json.loads(one["task_relations"])["FinalizerTask"].endswith("THREE")
    assert two["condition"] == "system$stream_has_data('s')"
    assert [name.split(".")[-1] for name in json.loads(two["predecessors"])] == ["ONE"]
    assert json.loads(three["task_relations"])["FinalizedRootTask"].endswith("ONE")
    assert show("describe task two")[0]["definition"] == "call something()"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("create task x schedule = '1 minute' size = 3 as select 1", "SIZE"),
        ("create task x schedule = '5 fortnights' as select 1", "schedule"),
        ("create task x schedule = 'USING CRON 99 * * * * UTC' as select 1", "schedule"),
        ("create task x schedule = 'USING CRON * * * * * Mars/Base' as select 1", "schedule"),
        ("create task x schedule = '1 second' as select 1", "schedule"),
        ("create task x config = 'no json' as select 1", "JSON"),
        ("create task x config = '[1]' as select 1", "JSON"),
        ("create task x user_task_timeout_ms = 604800001 as select 1", "USER_TASK_TIMEOUT_MS"),
        ("create task x task_auto_retry_attempts = 31 as select 1", "TASK_AUTO_RETRY_ATTEMPTS"),
        ("create task x overlap_policy = sometimes as select 1", "OVERLAP_POLICY"),
        ("create task x warehouse = nothing as select 1", "does not exist"),
        ("create task x autocommit = false as select 1", "AUTOCOMMIT"),
        ("create task x search_path = 'a' as select 1", "SEARCH_PATH"),
        (
            "create task x warehouse = compute_wh "
            "user_task_managed_initial_warehouse_size = small as select 1",
            "cannot both",
        ),
        (
            "create task x warehouse = compute_wh serverless_task_max_statement_size = 'SMALL' "
            "as select 1",
            "cannot both",
        ),
        ("create task x error_integration = nothing as select 1", "does not exist"),
        ("create or replace task if not exists x as select 1", "unexpected"),
        ("create task x as", "EOF"),
        ("create task x after nothing as select 1", "does not exist"),
        ("create task x after root schedule = '1 minute' as select 1", "SCHEDULE"),
        ("create task x after root config = '{}' as select 1", "CONFIG"),
        ("create task x after root task_auto_retry_attempts = 1 as select 1", "RETRY"),
        ("create task x after root when parse_json('{}'):a = 1 as select 1", "PARSE_JSON"),
        ("create task x after root when (select true) as select 1", "SELECT"),
        ("create task x finalize = a as select 1", "root"),
        ("create task x finalize = root after root as select 1", "both"),
        ("alter task a add after a", "itself"),
        ("alter task a add after b", "loops"),
        ("alter task a remove after b", "no predecessor"),
        ("alter task a set schedule = '1 minute'", "SCHEDULE"),
        ("alter task a rename to c", "RENAME"),
        ("alter task root set colour = 'red'", "COLOUR"),
        ("alter task root resume", "SCHEDULE"),
        ("execute task a", "root"),
        ("execute task nothing", "does not exist"),
        ("execute task root using config = 'x'", "JSON"),
        ("execute task root retry last", "retry"),
    ],
)
def test_what_snowflake_refuses_of_tasks_is_refused(run, graph, statement, message):
    with pytest.raises(ProgrammingError, match=message):
        run(statement)


def test_a_graph_is_changed_only_while_its_root_is_suspended(run, graph):
    run("alter task root set schedule = '600 minutes'")
    run("alter task root resume")
    for statement in (
        "alter task a suspend",
        "alter task a set comment = 'x'",
        "alter task b modify as select 2",
        "create task c after a as select 1",
        "create task c finalize = root as select 1",
        "create or replace task a after root as select 1",
        "create or replace task root as select 1",
        "alter task root set comment = 'x'",
        "drop task b",
    ):
        with pytest.raises(ProgrammingError, match="root task is not suspended"):
            run(statement)
    run("alter task root suspend")
    run("create task c after a as select 1")


def test_limits_of_a_graph(run):
    run("create task root as select 1")
    for number in range(100):
        run(f"create task c{number} after root as select 1")
    with pytest.raises(ProgrammingError, match="100 child tasks"):
        run("create task c100 after root as select 1")
    run("create task fin finalize = root as select 1")
    with pytest.raises(ProgrammingError, match="finalizer already"):
        run("create task fin2 finalize = root as select 1")
    with pytest.raises(ProgrammingError, match="cannot have child"):
        run("create task after_fin after fin as select 1")


def test_dropping_a_task_severs_its_links(run, show, graph):
    run("create task fin finalize = root as select 1")
    run("drop task a")
    (b,) = show("show tasks like 'b'")
    run("drop task root")
    (fin,) = show("show tasks like 'fin'")

    assert (json.loads(b["predecessors"]), b["state"]) == ([], "suspended")
    assert b["last_suspended_reason"] == "CHILD_BECAME_ROOT"
    assert fin["last_suspended_reason"] == "FINALIZER_BECAME_ROOT"


def test_alter_changes_what_it_says(run, show, graph):
    run("alter task root set schedule = '10 MINUTE' comment = 'c' query_tag = 't'")
    run("alter task root unset comment, query_tag")
    run("create task other after root as select 1")
    run("alter task b add after other")
    run("alter task b remove after a")
    run("alter task b modify as select 'new'")
    run("alter task b modify when system$stream_has_data('s')")
    (b,) = show("show tasks like 'b'")
    run("alter task b remove when")
    run("create or alter task b after a comment = 'altered' as select 'newer'")
    (again,) = show("show tasks like 'b'")

    assert show("show tasks like 'root'")[0]["comment"] == ""
    assert [n.split(".")[-1] for n in json.loads(b["predecessors"])] == ["OTHER"]
    assert (b["definition"], b["condition"]) == ("select 'new'", "system$stream_has_data('s')")
    assert (again["id"], again["definition"], again["condition"]) == (
        b["id"],
        "select 'newer'",
        None,
    )
