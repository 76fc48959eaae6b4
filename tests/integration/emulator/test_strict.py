"""What Snowflake refuses is refused: rules that no other suite of the emulator tests."""

from __future__ import annotations

import json
import uuid

import pytest
import snowflake.connector
from snowflake.connector.errors import DatabaseError

from tests.waiting import until


@pytest.fixture
def refused(run):
    """Run a statement that must fail; return its number and message."""

    def call(sql):
        with pytest.raises(DatabaseError) as error:
            run(sql)
        return error.value.errno, str(error.value.msg)

    return call


@pytest.fixture
def pool(run):
    name = f"P_{uuid.uuid4().hex[:8]}".upper()
    run(
        f"create compute pool {name} min_nodes = 1 max_nodes = 1 instance_family = cpu_x64_xs "
        "initially_suspended = true"
    )
    yield name
    run(f"drop compute pool if exists {name}")


def spec(image, **container):
    made = {"name": "main", "image": image, **container}
    return f"from specification $${json.dumps({'spec': {'containers': [made]}})}$$"


# Queries


@pytest.mark.parametrize(
    "call",
    [
        "median(v) over (partition by k order by v)",
        "median(v) over (partition by k rows between unbounded preceding and current row)",
        "percentile_cont(0.5) within group (order by v) over (partition by k order by v)",
    ],
)
def test_a_percentile_over_a_window_takes_no_order_and_no_frame(run, refused, call):
    run("create table t (k int, v float)")

    assert "Invalid function type" in refused(f"select {call} from t")[1]
    run("select median(v) over (partition by k) from t")


def test_rows_need_a_warehouse_that_the_role_may_use(run, refused, database):
    role, warehouse = f"R_{database}", f"W_{database}"
    run("create table t (x int)")
    run(f"create warehouse {warehouse}")
    run(f"create role {role}")
    run(f"grant role {role} to role accountadmin")
    for right in (
        f"usage on database {database}",
        f"usage, create table on schema {database}.public",
    ):
        run(f"grant {right} to role {role}")
    run(f"grant select on table {database}.public.t to role {role}")
    run("use secondary roles none")
    run(f"use role {role}")

    assert run("select 1") == [(1,)]
    assert refused("select * from t")[0] == 606
    assert refused("create table made as select 1 as x")[0] == 606
    run("use role accountadmin")
    run(f"grant usage on warehouse {warehouse} to role {role}")
    run(f"use role {role}")
    assert run("select * from t") == []
    run("use role accountadmin")
    run(f"drop warehouse {warehouse}")
    run(f"drop role {role}")


def test_a_division_by_zero_is_an_error(run, refused):
    assert refused("select 1 / 0")[0] == 100051
    assert refused("create table none_made as select 1 / 0 as x")[0] == 100051
    run("create table t (x int)")
    run("create view shares as select 100 / x as share from t")
    run("insert into t values (4)")
    assert run("select * from shares") == [(25,)]
    assert refused("insert into t select x / 0 from t")[0] == 100051
    assert refused("update t set x = 1 / 0")[0] == 100051
    run("insert into t values (0)")

    assert refused("select * from shares")[0] == 100051
    assert "100 / x as share" in str(run("show views like 'SHARES'"))


def test_a_name_that_is_not_known_is_refused_by_kind(run, refused):
    run("create table t (x int)")

    assert refused("select y from t")[0] == 904
    assert refused("select * from no_such_table")[0] == 2003
    assert refused("select no_such_function(1)")[0] == 2140


# Dynamic tables


def test_a_lag_is_at_least_a_minute(run, refused):
    run("create table t (x int)")
    made = "create dynamic table d target_lag = '{}' warehouse = compute_wh as select x from t"

    refused(made.format("30 seconds"))
    refused(made.format("soon"))
    run(made.format("1 minute"))


def test_what_cannot_refresh_incrementally_is_refused_in_that_mode(run, refused):
    run("create table t (x int)")
    made = "create dynamic table d target_lag = '1 hour' warehouse = compute_wh {} as select {}"

    refused(made.format("refresh_mode = incremental", "x from t order by random()"))
    refused(made.format("refresh_mode = incremental", "x from t limit 3"))


# Containers


def test_names_of_containers_objects_are_unquoted(run, refused, pool):
    refused('create compute pool "a-b" min_nodes = 1 max_nodes = 1 instance_family = cpu_x64_xs')
    run('create schema "Quoted"')
    refused('create image repository "Quoted".images')


def test_an_image_must_be_in_a_repository_of_the_account(run, refused, pool):
    run("create image repository images")

    message = refused(
        f"execute job service in compute pool {pool} {spec('docker.io/library/python:3.11')}"
    )[1]
    assert "image" in message.lower()
    here = run("select lower(current_database())")[0][0]
    refused(f"execute job service in compute pool {pool} {spec(f'/{here}/public/images/no:1')}")


def test_a_specification_takes_no_unknown_fields(run, refused, pool):
    run("create image repository images")
    here = run("select lower(current_database())")[0][0]
    image = f"/{here}/public/images/x:1"

    message = refused(f"execute job service in compute pool {pool} {spec(image, colour='red')}")[1]
    assert "colour" in message


def test_resources_fit_the_pools_instance_family(run, refused, pool):
    run("create image repository images")
    here = run("select lower(current_database())")[0][0]
    resources = {"requests": {"cpu": "16", "memory": "1Gi"}}
    job = spec(f"/{here}/public/images/x:1", resources=resources)

    assert "cpu" in refused(f"execute job service in compute pool {pool} {job}")[1].lower()


def test_a_pool_has_as_many_nodes_as_it_may(refused):
    made = "create compute pool {} min_nodes = {} max_nodes = {} instance_family = {}"
    name = f"p_{uuid.uuid4().hex[:8]}"

    refused(made.format(name, 2, 1, "cpu_x64_xs"))
    refused(made.format(name, 0, 1, "cpu_x64_xs"))
    refused(made.format(name, 1, 1, "cpu_x64_huge"))


# Tasks

TASK = "create task {name} warehouse = compute_wh {more} as select 1"


def test_a_task_takes_no_unknown_parameters(refused):
    assert refused(TASK.format(name="k", more="colour = 'red'"))
    assert refused(TASK.format(name="k", more="schedule = 'every so often'"))


def test_a_child_has_no_schedule_and_a_task_no_strangers_for_parents(run, refused):
    run(TASK.format(name="root", more="schedule = '60 minute'"))

    refused(TASK.format(name="child", more="schedule = '60 minute' after root"))
    refused(TASK.format(name="child", more="after no_such_task"))
    here = run("select current_database()")[0][0]
    run("create schema apart")
    assert "schema" in refused(TASK.format(name="child", more=f"after {here}.public.root"))[1]


def test_the_configuration_of_a_graph_is_json(refused):
    refused(TASK.format(name="root", more="schedule = '60 minute' config = 'no json'"))


def test_parse_json_is_no_condition(refused):
    refused("create task k warehouse = compute_wh when parse_json('1') = 1 as select 1")


def test_a_graph_whose_root_runs_is_not_changed(run, refused):
    run(TASK.format(name="root", more="schedule = '60 minute'"))
    run(TASK.format(name="child", more="after root"))
    run("alter task child resume")
    run("alter task root resume")

    refused("alter task child set comment = 'c'")
    run("alter task root suspend")


def test_a_return_value_has_at_most_ten_kilobytes(run):
    run(
        "create task root warehouse = compute_wh as "
        "call system$set_return_value(repeat('x', 10241))"
    )
    run("execute task root")
    asked = (
        "select state from table(information_schema.task_history(task_name => 'ROOT')) "
        "where state not in ('SCHEDULED', 'EXECUTING') and database_name = current_database()"
    )

    assert until(lambda: run(asked), "the task did not end") == [("FAILED",)]


# Who may


def test_a_token_that_was_removed_lets_nobody_in(run, snowflake_connection):
    if "connection_name" in snowflake_connection:
        pytest.skip("an account asks for a network policy first")
    user = f"U_{uuid.uuid4().hex[:8]}".upper()
    run(f"create user {user} type = service")
    secret = run(f"alter user {user} add programmatic access token t days_to_expiry = 1")[0][1]
    arguments = {k: v for k, v in snowflake_connection.items() if k not in {"role", "password"}}
    arguments |= {"user": user, "token": secret, "authenticator": "PROGRAMMATIC_ACCESS_TOKEN"}
    snowflake.connector.connect(**arguments).close()
    run(f"alter user {user} remove programmatic access token t")

    with pytest.raises(DatabaseError):
        snowflake.connector.connect(**arguments)
    run(f"drop user {user}")


def test_an_unknown_property_is_refused(refused):
    for made in (
        "create warehouse w_x colour = 'red'",
        "create user u_x colour = 'red'",
        "create schema s_x colour = 'red'",
        "alter session set colour = 'red'",
        "create secret k type = generic_string secret_string = 'x' colour = 'red'",
    ):
        assert "COLOUR" in refused(made)[1].upper(), made
