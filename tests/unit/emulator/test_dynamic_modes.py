"""Which queries a dynamic table takes, and which refresh incrementally."""

from __future__ import annotations

import pytest
import sqlglot

from sf_ml_framework.emulator.dynamic import modes
from sf_ml_framework.emulator.dynamic.definition import lag, lag_seconds
from sf_ml_framework.emulator.faults import SnowflakeError


@pytest.mark.parametrize(
    "query",
    [
        "select a, b + 1 as c from d.s.t where b > 0",
        "select distinct a from d.s.t",
        "select a, sum(b), median(b), count(distinct b) from d.s.t group by a",
        "with x as (select * from d.s.t) select * from x join d.s.u using (a)",
        "select * from d.s.t left join d.s.u on t.a = u.a and t.b = u.b",
        "select * from (select a from d.s.t union all select a from d.s.u)",
        "select a from d.s.t union select a from d.s.u",
        "select a, row_number() over (partition by a order by b) as n from d.s.t qualify n = 1",
        "select a, sum(b) over (partition by a order by b rows 3 preceding) from d.s.t",
        "select t.a, f.value from d.s.t, lateral flatten(input => t.v) f",
        "select a from d.s.t where ts > dateadd(day, -7, current_timestamp())",
    ],
)
def test_a_query_of_supported_constructs_refreshes_incrementally(query):
    assert modes.why_full(sqlglot.parse_one(query, read="snowflake")) is None


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("select a from d.s.t except select a from d.s.u", "EXCEPT"),
        ("select a from d.s.t minus select a from d.s.u", "EXCEPT"),
        ("select a from d.s.t intersect select a from d.s.u", "INTERSECT"),
        ("select a, (select max(b) from d.s.u) as m from d.s.t", "subqueries"),
        ("select a from d.s.t where a in (select a from d.s.u)", "subqueries"),
        ("select a from d.s.t where exists (select 1 from d.s.u where u.a = t.a)", "subqueries"),
        (
            "with recursive x as (select a from d.s.t union all select a + 1 from x) "
            "select * from x",
            "RECURSIVE",
        ),
        ("select a, random() as r from d.s.t", "RANDOM|RAND"),
        ("select a, uuid_string() as r from d.s.t", "UUID"),
        ("select a, current_timestamp() as now from d.s.t", "CURRENT_TIMESTAMP"),
        ("select a, sum(b) from d.s.t group by rollup (a)", "ROLLUP"),
        ("select * from d.s.t left join d.s.u on t.a > u.a", "non-equality"),
        ("select * from d.s.t asof join d.s.u match_condition (t.x >= u.x) on t.a = u.a", "ASOF"),
        (
            "select rank() over (partition by a order by b rows between 1 preceding "
            "and current row) from d.s.t",
            "RANK",
        ),
        ("select a from d.s.t order by b limit 3", "LIMIT"),
    ],
)
def test_a_query_of_other_constructs_does_not(query, why):
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(modes.why_full(sqlglot.parse_one(query, read="snowflake")))


@pytest.mark.parametrize(
    "query",
    [
        "select current_user() as u, a from d.s.t",
        "select * from d.s.t pivot (sum(b) for a in ('x', 'y'))",
        "select * from d.s.t sample (10)",
        "select s.nextval as n, a from d.s.t",
    ],
)
def test_some_queries_are_taken_in_no_mode(query):
    with pytest.raises(SnowflakeError, match="000002"):
        modes.refuse(sqlglot.parse_one(query, read="snowflake"), "T")


@pytest.mark.parametrize(
    ("written", "normal", "seconds"),
    [
        ("1 hour", "1 hour", 3600),
        ("5 minutes", "5 minutes", 300),
        ("60 seconds", "60 seconds", 60),
        ("1d", "1 day", 86400),
        ("downstream", "DOWNSTREAM", None),
    ],
)
def test_a_lag_is_written_one_way(written, normal, seconds):
    assert lag(written, "T") == normal
    assert lag_seconds(normal) == seconds


@pytest.mark.parametrize("written", ["59 seconds", "soon", "-1 hour", "1 week", ""])
def test_a_lag_that_snowflake_does_not_take_is_refused(written):
    with pytest.raises(SnowflakeError, match="001008"):
        lag(written, "T")
