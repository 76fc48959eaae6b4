"""SHOW lists what the role has any privilege on, and no more."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def stranger(run, database, pool, image):
    """A role that may use the schema, and objects of each kind that it may not."""
    run("create or replace role stranger")
    run("grant role stranger to role accountadmin")
    run(f"grant usage on database {database} to role stranger")
    run(f"grant usage on schema {database}.public to role stranger")
    run("create secret sec type = generic_string secret_string = 'x'")
    run("create network rule nr type = host_port mode = egress value_list = ('a.example')")
    run("create task tk as select 1")
    run("create stage st")
    run("create table t (a int)")
    run("create view v as select 1 as a")
    run("create tag tg")
    container = {"name": "main", "image": image, "args": ["sleep", "60"]}
    spec = json.dumps({"spec": {"containers": [container]}})
    run(f"create service svc in compute pool {pool} from specification $${spec}$$")
    yield pool
    run("use role accountadmin")
    run("drop service svc")
    run("drop role stranger")


KINDS = {
    "secrets": ("secret sec", "read"),
    "tasks": ("task tk", "monitor"),
    "services": ("service svc", "monitor"),
    "stages": ("stage st", "read"),
    "tables": ("table t", "select"),
    "views": ("view v", "select"),
    "image repositories": ("image repository images", "read"),
    "tags": ("tag tg", "apply"),
}


def test_a_role_sees_objects_when_it_has_any_privilege(run, stranger):
    for kind, (named, privilege) in KINDS.items():
        assert run(f"show {kind}") != [], kind
        run("use role stranger")
        assert run(f"show {kind}") == [], kind
        run("use role accountadmin")
        run(f"grant {privilege} on {named} to role stranger")
        run("use role stranger")
        assert len(run(f"show {kind}")) == 1, kind
        run("use role accountadmin")


def test_a_role_sees_pools_when_it_has_any_privilege(run, stranger):
    run("use role stranger")
    assert run(f"show compute pools like '{stranger}'") == []
    run("use role accountadmin")
    run(f"grant monitor on compute pool {stranger} to role stranger")
    run("use role stranger")
    assert len(run(f"show compute pools like '{stranger}'")) == 1
