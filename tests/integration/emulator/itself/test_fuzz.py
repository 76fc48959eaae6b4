"""Random and malformed input: always an answer, never a 500, never a fault of ours."""

from __future__ import annotations

import http.client
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORDS = (
    "select create table from where ( ) , ; ' \" $$ $1 @s @~ /* -- // ? : :: => ->> . * 1 "
    "1.5e9 null begin end declare if show describe grant on to role put get file:///x copy "
    "into values identifier call drop alter set tag stage view temporary with as union "
    "merge using when then execute immediate a b t "
).split()
SQL = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join),
)
QUIET = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def wire(connection, snowflake_connection):
    """One keep-alive HTTP connection with the session's token."""
    link = http.client.HTTPConnection(
        snowflake_connection["host"], snowflake_connection["port"], timeout=30
    )
    token = connection.rest.token

    def call(method, path, body, *, secret=token):
        headers = {
            "Authorization": f'Snowflake Token="{secret}"',
            "Content-Type": "application/json",
        }
        link.request(method, path, body, headers)
        answer = link.getresponse()
        return answer.status, answer.read()

    yield call
    link.close()


@QUIET
@given(sql=SQL, describe=st.booleans())
def test_any_text_gets_an_answer(wire, request, sql, describe):
    body = json.dumps(
        {"sqlText": sql, "describeOnly": describe, "parameters": {"MULTI_STATEMENT_COUNT": 0}}
    )
    status, answer = wire(
        "POST", "/queries/v1/query-request", body.encode("utf-8", "surrogatepass")
    )

    made = json.loads(answer)
    assert status == 200
    assert made["success"] or made["code"] != "000603", made["message"]
    assert "Traceback" not in (made["message"] or "")


@QUIET
@given(
    path=st.sampled_from(
        [
            "/session/v1/login-request",
            "/session/token-request",
            "/queries/v1/query-request",
            "/queries/v1/abort-request",
            "/queries/x/result",
            "/monitoring/queries/x",
            "/api/v2/nothing",
        ]
    ),
    body=st.one_of(
        st.binary(max_size=50),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["data", "sqlText", "bindings", "1", "type", "value"]),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=5,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_any_body_gets_an_answer(wire, path, body):
    status, answer = wire("POST", path, body)

    assert status < 500
    if status == 200:
        assert json.loads(answer)["success"] in (True, False)


def test_a_stranger_gets_nothing(wire):
    _, answer = wire(
        "POST", "/queries/v1/query-request", b'{"sqlText": "select 1"}', secret="made up"
    )

    assert json.loads(answer)["code"] == "390104"
