"""Runs of task graphs by SQL: values, conditions, failures, retries, cancelling, containers."""

from __future__ import annotations

import json

import pytest
from snowflake.connector import DictCursor
from snowflake.connector.errors import ProgrammingError

from tests.waiting import until


@pytest.fixture
def show(connection):
    def call(sql):
        return connection.cursor(DictCursor).execute(sql).fetchall()

    return call


EXECUTING = (
    "select 1 from table(information_schema.task_history(task_name => 'A')) "
    "where state = 'EXECUTING' and database_name = current_database()"
)


def test_values_and_configuration_go_through_a_graph(run, ended, graph):
    run("create table said (who varchar, what varchar)")
    run("alter task a modify as call system$set_return_value('from a')")
    run(
        "alter task b modify as insert into said select 'b', "
        "system$get_predecessor_return_value('A') || ' ' || "
        "system$get_task_graph_config('depth.b') || system$get_task_graph_config('depth.c')"
    )
    run(
        "create task fin finalize = root as insert into said values ('fin', "
        "system$task_runtime_info('CURRENT_ROOT_TASK_NAME'))"
    )
    run("alter task fin resume")
    run("""execute task root using config = '{"depth": {"c": 3}}'""")
    row = ended("ROOT")
    history = run(
        "select return_value, config, scheduled_from from "
        "table(information_schema.task_history(task_name => 'A'))"
    )

    assert (row["STATE"], row["ATTEMPT_NUMBER"]) == ("SUCCEEDED", 1)
    assert json.loads(row["CONFIG"]) == {"depth": {"a": 1, "b": 2, "c": 3}}
    assert history[0][0] == "from a"
    assert history[0][2] in {"EXECUTE_TASK", "EXECUTE TASK"}
    found = dict(run("select who, what from said"))
    assert found["b"] == "from a 23"
    assert found["fin"].endswith(".PUBLIC.ROOT")


def test_functions_of_tasks_outside_a_task_and_beyond_their_limits(run, ended, graph):
    for call in (
        "call system$set_return_value('x')",
        "select system$get_task_graph_config()",
        "select system$task_runtime_info('CURRENT_TASK_NAME')",
    ):
        with pytest.raises(ProgrammingError, match="within a task"):
            run(call)
    run("alter task a modify as call system$set_return_value(repeat('x', 10241))")
    run("execute task root")
    row = ended("ROOT")

    assert (row["STATE"], row["FIRST_ERROR_TASK_NAME"]) == ("FAILED", "A")
    assert "limited" in row["FIRST_ERROR_MESSAGE"]


def test_a_false_condition_skips_and_a_suspended_child_counts_as_done(run, ended, runs, graph):
    run("alter task a modify as call system$set_return_value('left')")
    run(
        "create task left after a when system$get_predecessor_return_value('A') = 'left' "
        "as select 1"
    )
    run(
        "create task right after a when system$get_predecessor_return_value('A') = 'right' "
        "as select 1"
    )
    run("create task beyond after right as select 1")
    run("create task last after b as select 1")
    run("select system$task_dependents_enable('root')")
    run("alter task b suspend")
    run("execute task root")

    assert ended("ROOT")["STATE"] == "SUCCEEDED"
    assert sorted(runs()) == [
        ("A", "SUCCEEDED", 1),
        ("LAST", "SUCCEEDED", 1),
        ("LEFT", "SUCCEEDED", 1),
        ("RIGHT", "SKIPPED", 1),
        ("ROOT", "SUCCEEDED", 1),
    ]


def test_a_failure_stops_its_branch_and_the_finalizer_runs(run, ended, runs, graph):
    run("create task other after root as select 1")
    run("create task fin finalize = root as select 1")
    run("alter task a modify as select * from nothing")
    run("select system$task_dependents_enable('root')")
    run("execute task root")
    row = ended("ROOT")

    assert (row["STATE"], row["FIRST_ERROR_TASK_NAME"], row["FIRST_ERROR_CODE"]) == (
        "FAILED",
        "A",
        2003,
    )
    assert sorted(runs()) == [
        ("A", "FAILED", 1),
        ("FIN", "SUCCEEDED", 1),
        ("OTHER", "SUCCEEDED", 1),
        ("ROOT", "SUCCEEDED", 1),
    ]


def test_automatic_retries_begin_at_what_failed(run, ended, runs, graph):
    run("create table attempts (x int)")
    run("alter task root set task_auto_retry_attempts = 2")
    run(
        "alter task a modify as begin insert into attempts values (1); "
        "let n int := (select count(*) from attempts); "
        "if (n < 3) then select * from nothing; end if; end"
    )
    run("execute task root")
    row = ended("ROOT", 3)

    assert (row["STATE"], row["ATTEMPT_NUMBER"]) == ("SUCCEEDED", 3)
    assert runs() == [
        ("ROOT", "SUCCEEDED", 1),
        ("A", "FAILED", 1),
        ("A", "FAILED", 2),
        ("A", "SUCCEEDED", 3),
        ("B", "SUCCEEDED", 3),
    ]


def test_retry_last_needs_a_failed_run_of_an_unchanged_graph(run, ended, graph):
    run("execute task root")
    ended("ROOT")
    with pytest.raises(ProgrammingError, match="SUCCEEDED"):
        run("execute task root retry last")
    run("alter task b modify as select * from later")
    run("execute task root")
    first = ended("ROOT", 2)
    run("create table later (x int)")
    run("execute task root retry last")
    again = ended("ROOT", 3)
    run("drop table later")
    run("execute task root")
    ended("ROOT", 4)
    run("alter task b modify as select 1")

    assert (first["STATE"], again["STATE"]) == ("FAILED", "SUCCEEDED")
    assert first["GRAPH_RUN_GROUP_ID"] == again["GRAPH_RUN_GROUP_ID"]
    assert first["GRAPH_VERSION"] == again["GRAPH_VERSION"] == 2
    with pytest.raises(ProgrammingError, match="modified"):
        run("execute task root retry last")


def test_what_runs_is_cancelled(run, ended, show, graph):
    run("alter task a modify as call system$wait(60)")
    run("execute task root")
    current = "select state from table(information_schema.current_task_graphs())"
    until(lambda: run(EXECUTING))
    assert run(f"{current} where database_name = current_database()") == [("EXECUTING",)]
    run("select system$user_task_cancel_ongoing_executions('root')")

    assert ended("ROOT")["STATE"] == "CANCELLED"


def test_the_finalizer_of_a_cancelled_run_runs(run, ended, runs, graph):
    run("create task fin finalize = root as select 1")
    run("alter task a modify as call system$wait(60)")
    run("select system$task_dependents_enable('root')")
    run("execute task root")
    until(lambda: run(EXECUTING))
    run("select system$user_task_cancel_ongoing_executions('root')")
    row = ended("ROOT")

    assert row["STATE"] == "CANCELLED"
    assert ("FIN", "SUCCEEDED", 1) in runs()


def test_dependents_of_a_task(run, graph):
    def names(more):
        return [
            row[0]
            for row in run(
                "select name from table(information_schema.task_dependents("
                f"task_name => 'root'{more}))"
            )
        ]

    assert names("") == ["ROOT", "A", "B"]
    assert names(", recursive => false") == ["ROOT", "A"]


def test_a_block_may_run_a_job_of_a_fixed_name(run, ended, job, graph):
    text = job("exit", "0", options="name = fixed")
    run(f"alter task a modify as begin drop service if exists fixed; {text}; end")
    run("execute task root")
    ended("ROOT")
    run("execute task root")
    again = ended("ROOT", 2)
    jobs = run(
        "select count(distinct spcs_job_id) from table(information_schema.task_history("
        "task_name => 'A')) where database_name = current_database()"
    )

    assert (again["STATE"], jobs) == ("SUCCEEDED", [(2,)])


def test_a_graph_of_containers_is_retried_after_mending(run, ended, runs, job, graph, tmp_path):
    """Three steps in containers: the second fails, is mended, and the run goes on from there."""
    run("create stage flags encryption = (type = 'SNOWFLAKE_SSE')")
    (tmp_path / "code").write_text("3")
    run(f"put file://{tmp_path / 'code'} @flags auto_compress = false")
    mount = "    volumeMounts:\n    - {name: f, mountPath: /mnt/f}"
    volume = "  volumes:\n  - {name: f, source: stage, stageConfig: {name: '@flags'}}"
    say = "select system$set_return_value('kept')"
    tell = "select system$get_predecessor_return_value('A')"
    run("alter task root set user_task_timeout_ms = 120000")
    run("alter task a modify as " + job("sql", say))
    run("alter task b modify as " + job("exit-from", "/mnt/f/code", more=mount, volumes=volume))
    run("create task c after b as " + job("sql", tell))
    run("alter task c resume")
    run("execute task root")
    failed = ended("ROOT")
    (tmp_path / "code").write_text("0")
    run(f"put file://{tmp_path / 'code'} @flags auto_compress = false overwrite = true")
    run("execute task root retry last")
    mended = ended("ROOT", 2)
    jobs = run(
        "select t.name, j.status, j.name from table(information_schema.task_history()) t "
        "join table(snowflake.spcs.get_job_history()) j on t.spcs_job_id = j.id "
        "where t.database_name = current_database() and t.attempt_number = 2 order by t.name"
    )
    (said,) = run(f"select system$get_service_logs('{jobs[1][2]}', '0', 'main')")

    assert (failed["STATE"], failed["FIRST_ERROR_TASK_NAME"]) == ("FAILED", "B")
    assert "code 3" in failed["FIRST_ERROR_MESSAGE"]
    assert (mended["STATE"], mended["ATTEMPT_NUMBER"]) == ("SUCCEEDED", 2)
    assert runs() == [
        ("ROOT", "SUCCEEDED", 1),
        ("A", "SUCCEEDED", 1),
        ("B", "FAILED", 1),
        ("B", "SUCCEEDED", 2),
        ("C", "SUCCEEDED", 2),
    ]
    assert [row[:2] for row in jobs] == [("B", "DONE"), ("C", "DONE")]
    assert said[0].splitlines()[-1] == '[["kept"]]'
