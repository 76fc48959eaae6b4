"""Nearly right statements, REST bodies and logins: an answer within time, never a fault of ours.

Random words seldom come past the first check; these are statements of every room with a part taken
out, doubled, swapped or replaced.
"""

from __future__ import annotations

import http.client
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STATEMENTS = """
create or replace table t (x int, y varchar(3) not null) comment = 'c'
insert into t (x) values (1), (2)
merge into t using u on t.x = u.x when matched then update set y = 'a' when not matched then delete
create role r comment = 'c'
grant select, insert on table t to role r with grant option
grant ownership on all tables in schema public to role r revoke current grants
grant usage on future schemas in database d to role r
grant database role snowflake.usage_viewer to role r
revoke grant option for all privileges on warehouse w from role r cascade
show grants on table t
show future grants in schema public
show grants of role r limit 3
use secondary roles all
create user u type = service rsa_public_key = 'MIIB' default_secondary_roles = ('ALL')
alter user u add programmatic access token p role_restriction = 'R' days_to_expiry = 3
create alert a warehouse = compute_wh schedule = '1 minute' if (exists (select 1)) then select 1
alter alert a modify condition exists (select 2)
create task k schedule = 'USING CRON 0 * * * * UTC' when system$stream_has_data('s') as select 1
alter task k add after l
execute task k using config = $${"a": 1}$$
create compute pool p min_nodes = 1 max_nodes = 2 instance_family = cpu_x64_xs
execute job service in compute pool p name = j from specification $$spec: {containers: []}$$
call system$execute_ml_job('j_', 'p', '{"STAGE_PATH": "@st/x"}', '{"ASYNC": true}')
call system$get_ml_job_runtime('p', '2.3.0')
select system$dgql('{V(domain: TABLE, name:"t") {upstream: E(edgeType:[],direction:IN){}}}')
create secret s type = generic_string secret_string = 'v'
create network rule n mode = egress type = host_port value_list = ('a:1')
create external access integration e allowed_network_rules = (n) enabled = true
create dynamic table dt target_lag = '1 hour' warehouse = compute_wh as select x from t
alter dynamic table dt set target_lag = downstream
create tag g allowed_values 'a', 'b'
alter table t set tag g = 'a'
select * from table(information_schema.query_history(result_limit => 5))
select * from table(information_schema.task_history(task_name => 'K'))
select credits_used from snowflake.account_usage.metering_history where name = 'W'
copy into @~/x from (select 1) file_format = (type = csv) overwrite = true
create stage st file_format = (type = json strip_outer_array = true)
describe table t
comment on table t is 'c'
begin let x := 1; if (x > 0) then return x; end if; end
declare c cursor for select x from t; n int default 0; begin open c; fetch c into n; close c; end
declare e exception (-20001, 'm'); begin raise e; exception when e then return sqlerrm; end
begin let i := 0; repeat i := i + 1; until (i > 3) end repeat; return i; end
begin for i in reverse 1 to 3 do continue; end for; case (1) when 1 then return 1; end case; end
begin let r resultset := (select 1 as x); for q in r do return q.x; end for; return table(r); end
alter session set timezone = 'UTC', statement_timeout_in_seconds = 20
copy into t from @st file_format = (type = csv skip_header = 1) pattern = '.*' on_error = skip_file
list @st pattern = '.*'
create file format ff type = csv field_delimiter = ',' null_if = ('x')
select typeof(x), f(x), db.s.f(1) from t, table(flatten(input => y)) as q
select * from information_schema.tables as a, dual
alter user u add programmatic access token q days_to_expiry = 3 role_restriction = 'R'
drop model monitor m
unset (x, y)
describe table t type = columns
execute immediate $$begin return 1; end$$
select system$send_email('m', 'a@b.c', 's', 'b')
create or replace function f(x int default 1) returns int language sql as 'x + 1'
create temporary function g(x float) returns table (y float) language sql as 'select x as y'
select f(x => 2) from t
select * from t, table(g(1.5) over (partition by x order by x)) as h
create or replace procedure p(n int) returns varchar execute as caller as $$begin return n; end$$
with q as procedure (n int) returns int language sql as $$begin return n; end$$ call q(1)
call p(n => 3)
drop function if exists f(int)
describe procedure p(number)
grant usage on function f(int) to role r
call system$deploy_model('{models: [{name: m, version: v}], service: {name: s}}')
execute inference job service in compute pool p with specification 'output: {}' from (t) model = m
"""
PARTS = [line.split() for line in STATEMENTS.strip().splitlines()]
WORDS = sorted({word for parts in PARTS for word in parts})
NASTY = ["'", '"', "$$", "(", ")", ";", "@", "%", "::", "\x00", "é", "''", '""', "/*", "--", "?"]
PIECES = st.sampled_from([*WORDS, *NASTY])


@st.composite
def nearly_right(draw):
    """One of the statements with up to three changes."""
    parts = list(draw(st.sampled_from(PARTS)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(parts)))
        match draw(st.integers(0, 3)):
            case 0:
                parts[at:at] = [draw(PIECES)]
            case 1:
                parts[at : at + 1] = []
            case 2:
                parts[at : at + 1] = [draw(PIECES)]
            case 3:
                parts[at:] = []
    return " ".join(parts)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "definition",
                    "schedule",
                    "warehouse",
                    "predecessors",
                    "config",
                    "LOGIN_NAME",
                    "PASSWORD",
                    "TOKEN",
                    "AUTHENTICATOR",
                    "data",
                    "value",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
TASKS = "/api/v2/databases/D/schemas/PUBLIC/tasks"
ROUTES = [
    ("GET", TASKS),
    ("POST", TASKS),
    ("PUT", f"{TASKS}/T"),
    ("GET", f"{TASKS}/T"),
    ("DELETE", f"{TASKS}/T"),
    ("POST", f"{TASKS}/T:execute?retryLast=x"),
    ("POST", f"{TASKS}/T:resume"),
    ("GET", f"{TASKS}/T/complete-graphs?errorOnly=1"),
    ("POST", "/emulator/images"),
    ("GET", "/api/v2/databases/%00"),
    ("PATCH", "/api/v2/nothing/here"),
]
LOGINS = st.fixed_dictionaries(
    {},
    optional={
        "LOGIN_NAME": JSON,
        "PASSWORD": JSON,
        "AUTHENTICATOR": st.sampled_from(
            ["SNOWFLAKE_JWT", "OAUTH", "PROGRAMMATIC_ACCESS_TOKEN", "EXTERNALBROWSER", "", 3]
        ),
        "TOKEN": st.text(max_size=20) | st.sampled_from(["a.b.c", "e30.e30.e30", ".."]),
        "SESSION_PARAMETERS": JSON,
        "CLIENT_ENVIRONMENT": JSON,
    },
)


def quietly(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@pytest.fixture
def wire(connection, snowflake_connection):
    """One HTTP connection with the session's token; a late answer is an error."""
    host, port = snowflake_connection["host"], snowflake_connection["port"]
    link = http.client.HTTPConnection(host, port, timeout=30)
    headers = {
        "Authorization": f'Snowflake Token="{connection.rest.token}"',
        "Content-Type": "application/json",
    }

    def call(method, path, body):
        link.request(method, path, body, headers)
        answer = link.getresponse()
        return answer.status, answer.read().decode()

    yield call
    link.close()


def sound(status, text):
    assert status < 500, text
    assert "Traceback" not in text
    assert "000603" not in text, text


@quietly(300)
@given(sql=nearly_right())
def test_a_nearly_right_statement_gets_an_answer(wire, sql):
    body = {"sqlText": sql, "parameters": {"MULTI_STATEMENT_COUNT": 0}}
    status, text = wire("POST", "/queries/v1/query-request", json.dumps(body).encode())

    sound(status, text)
    assert status == 200


@quietly(100)
@given(route=st.sampled_from(ROUTES), body=JSON)
def test_a_rest_call_with_any_body_gets_an_answer(wire, route, body):
    sound(*wire(*route, json.dumps(body).encode()))


@quietly(100)
@given(data=LOGINS, query=st.sampled_from(["", "?roleName=R", "?warehouse=%22&databaseName=%27"]))
def test_any_login_gets_an_answer(wire, data, query):
    body = json.dumps({"data": data}).encode()
    status, text = wire("POST", f"/session/v1/login-request{query}", body)

    sound(status, text)
    assert json.loads(text)["success"] is False


def test_a_transaction_that_the_engine_gave_up_is_refused_by_name(wire):
    """Snowflake goes on after a failed statement; DuckDB cannot, and must not look broken."""

    def send(sql):
        body = json.dumps({"sqlText": sql}).encode()
        return json.loads(wire("POST", "/queries/v1/query-request", body)[1])

    send("create table given_up (x int not null)")
    send("begin")
    send("insert into given_up values (1), (null)")
    refused = send("select name from snowflake.account_usage.users")
    send("rollback")

    assert "ROLLBACK" in refused["message"]
    assert send("select * from given_up")["success"]
