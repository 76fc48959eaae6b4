"""Rows of SHOW, in all the ways in which they are written, as objects of a plan."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sf_ml_framework.places.snowflake import shown
from sf_ml_framework.places.snowflake.observe import members
from sf_ml_framework.plan.objects import Grant, Task


def row(**more: Any) -> dict[str, Any]:
    return {
        "name": "A", "database_name": "D", "schema_name": "S", "definition": "select 1",
        "state": "suspended", "predecessors": "[]", "config": None, "schedule": None,
        "warehouse": None, "error_integration": "null", "success_integration": "null",
        "comment": "", "task_relations": "{}", "allow_overlapping_execution": None, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["R", "D.S.R", '"D"."S"."R"', 'D."S.T".R', '"D"."S".R'], ids=lambda name: name
)
def test_a_predecessor_is_read_whether_it_is_qualified_or_quoted(name):
    assert shown.task(row(predecessors=json.dumps([name]))).after == ("R",)


def test_predecessors_are_sorted_and_may_come_from_either_column():
    relations = json.dumps({"Predecessors": ["D.S.Z", "D.S.B"]})

    assert shown.task(row(predecessors='["D.S.Z", "D.S.B"]')).after == ("B", "Z")
    assert shown.task(row(predecessors=None, task_relations=relations)).after == ("B", "Z")


def test_nothing_is_read_as_nothing_however_it_is_written():
    found = shown.task(row(warehouse="null", config="", error_integration=None, comment=None))

    assert found == Task(name="D.S.A", body="select 1", started=False)


def test_a_finalizer_names_its_root():
    found = shown.task(row(task_relations='{"FinalizedRootTask": "D.S.ROOT"}'))

    assert (found.finalizes, found.is_root) == ("ROOT", False)


def test_a_configuration_has_one_form_and_what_is_no_json_is_left():
    assert shown.canonical('{"b": 1,\n "a": "é"}') == '{"a":"é","b":1}'
    assert shown.canonical("{broken") == "{broken"


def test_a_future_grant_is_one_on_a_kind_in_a_schema():
    future = {"privilege": "SELECT", "grant_on": "DYNAMIC_TABLE", "name": "D.S.<DYNAMIC_TABLE>",
              "grantee_name": "R"}  # fmt: skip

    assert shown.grant(future, future=True) == Grant(
        name="D.S", privilege="SELECT", on="FUTURE DYNAMIC TABLES", to="R"
    )


def test_a_grant_on_the_account_has_no_name():
    given = {"privilege": "EXECUTE TASK", "granted_on": "ACCOUNT", "name": "ORG-X",
             "grantee_name": "R"}  # fmt: skip

    assert shown.grant(given).name == ""


def test_a_longest_text_is_a_text():
    described = [
        {"name": "A", "type": "VARCHAR(134217728)", "null?": "N", "primary key": "Y"},
        {"name": "B", "type": "VARCHAR(10)", "null?": "Y", "primary key": "N"},
    ]

    table = shown.table({"name": "T", "database_name": "D", "schema_name": "S"}, described)

    assert [(c.type, c.required) for c in table.columns] == [
        ("VARCHAR", True),
        ("VARCHAR(10)", False),
    ]
    assert table.primary_key == ("A",)


def test_the_members_of_a_graph_are_found_through_edges_and_finalizers_and_no_others():
    tasks = {
        "R": Task(name="D.S.R", body="x"),
        "A": Task(name="D.S.A", body="x", after=("R",)),
        "B": Task(name="D.S.B", body="x", after=("A", "R")),
        "F": Task(name="D.S.F", body="x", finalizes="R"),
        "OTHER": Task(name="D.S.OTHER", body="x"),
        "CHILD": Task(name="D.S.CHILD", body="x", after=("OTHER",)),
    }

    assert set(members(tasks, "R")) == {"R", "A", "B", "F"}
    assert list(members(tasks, "NOWHERE")) == []
