"""Malformed statements and requests on containers and tasks: an answer, never a fault of ours."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.emulator.faults import SnowflakeError
from sf_ml_framework.emulator.lexer import tokenize

SEEDS = (
    "create compute pool q min_nodes = 1 max_nodes = 2 instance_family = CPU_X64_XS comment = 'x'",
    "alter compute pool p set max_nodes = 3 auto_resume = true",
    "alter compute pool p unset comment",
    "create or replace image repository r encryption = (type = 'SNOWFLAKE_SSE')",
    "show images in image repository r",
    "create or replace secret s type = password username = 'a' password = 'b'",
    "create or replace network rule n type = host_port mode = egress value_list = ('a.b', 'c')",
    "create external access integration e allowed_network_rules = (n) enabled = true",
    "create or replace notification integration m type = email enabled = true",
    "execute job service in compute pool p name = j replicas = 1 async = true "
    "from specification $$spec: {containers: [{name: a, image: /d/public/r/i:1}]}$$",
    "execute job service in compute pool p from specification_template $$a: {{ b }}$$ "
    "using (b => 'c', d => 1)",
    "execute job service in compute pool p from @st specification_file = 'x.yaml'",
    "create service w in compute pool p from specification $$spec: {}$$ min_instances = 1",
    "call j!spcs_wait_for('DONE', 0)",
    "select log from table(d.public.j!spcs_get_logs(start_time => current_timestamp()))",
    "select system$get_service_logs('j', 0, 'main', 10)",
    "select * from table(snowflake.spcs.get_job_history(result_limit => 3))",
    "create or replace task t schedule = '5 minutes' config = '{}' when 1 = 1 as select 1",
    "create or alter task t after u execute as user mlops finalize = v as begin select 1; end",
    "alter task t modify when system$get_predecessor_return_value('x') = 'y'",
    "alter task t set user_task_timeout_ms = 5 query_tag = 'x'",
    "alter task t add after u, v",
    "execute task t using config = '{\"a\": 1}'",
    "execute task t retry graph run group 'x'",
    "select * from table(information_schema.task_history(task_name => 't', result_limit => 5))",
    "select * from table(information_schema.task_dependents(task_name => 't', recursive => true))",
    "select system$task_dependents_enable('t')",
    "show tasks like 't%' in schema public starts with 'T' root only limit 5",
    "call system$send_email('m', 'a@b.c', 's', 'b')",
)
WORDS = [t.text for seed in SEEDS for t in tokenize(seed)]


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as started:
        yield started


@pytest.fixture(scope="module")
def session(emulator):
    opened = emulator.account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
    for sql in (
        "create database d",
        "create compute pool p min_nodes = 1 max_nodes = 1 instance_family = CPU_X64_XS",
        "create stage st",
        "create task u as select 1",
        "create task t after u as select 1",
    ):
        emulator.account.run(opened, sql)
    return opened


def mutated(draw):
    """Return a statement with some tokens dropped, doubled, swapped or replaced."""
    tokens = [t.text for t in tokenize(draw(st.sampled_from(SEEDS)))]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(tokens) - 1)) if tokens else 0
        match draw(st.sampled_from(["drop", "double", "replace", "cut"])):
            case "drop" if tokens:
                del tokens[at]
            case "double" if tokens:
                tokens.insert(at, tokens[at])
            case "replace" if tokens:
                odd = st.sampled_from(["''", "-1", "1e9", '"a b"', "$$", "?", "null", "(", ")"])
                tokens[at] = draw(st.sampled_from(WORDS) | odd)
            case "cut":
                tokens = tokens[:at] or tokens
    return " ".join(tokens)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_mutated_statement_is_answered(emulator, session, data):
    text = mutated(data.draw)
    emulator.account.record.lines.clear()
    try:
        emulator.account.run(session, text)
    except SnowflakeError as error:
        assert "Traceback" not in error.message

    assert emulator.account.record.of("fault") == [], text


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    tail=st.sampled_from(
        ["", "/t", "/t:resume", "/t:execute", "/t:set-tags", "/t/dependents", "/t/current-graphs"]
    ),
    query=st.sampled_from(["", "?createMode=orReplace", "?showLimit=x", "?retryLast=true", "?a=b"]),
    body=st.dictionaries(
        st.sampled_from(
            ["name", "definition", "schedule", "config", "predecessors", "condition", "finalize"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["schedule_type", "minutes", "a"]), inner)
            ),
            max_leaves=4,
        ),
    )
    | st.lists(st.integers(), max_size=2),
)
def test_a_malformed_request_is_answered(emulator, session, method, tail, query, body):
    emulator.account.record.lines.clear()
    url = f"{emulator.url}/api/v2/databases/d/schemas/public/tasks{tail}{query}"
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode())
    request.add_header("Authorization", f'Snowflake Token="{session.token}"')
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code

    assert status < 500
    assert emulator.account.record.of("fault") == [], (method, tail, query, body)
