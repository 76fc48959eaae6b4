"""Services that are changed: by their owner's role, whoever asks, and with their grants."""

from __future__ import annotations

import json

import pytest
from snowflake.connector.errors import ProgrammingError

from tests.waiting import until


@pytest.fixture
def service(run, pool, image, database):
    """A service of a role of its own, and another role that may operate it."""

    def specification(endpoint):
        container = {"name": "main", "image": image, "args": ["sleep", "300"]}
        endpoints = [{"name": endpoint, "port": 8080}]
        return json.dumps({"spec": {"containers": [container], "endpoints": endpoints}})

    for role in ("svc_owner", "svc_operator"):
        run(f"create or replace role {role}")
        run(f"grant role {role} to role accountadmin")
        run(f"grant usage on database {database} to role {role}")
        run(f"grant usage on schema {database}.public to role {role}")
    run(f"grant create service on schema {database}.public to role svc_owner")
    run(f"grant usage on compute pool {pool} to role svc_owner")
    run("grant read on image repository images to role svc_owner")
    run("use role svc_owner")
    run(f"create service svc in compute pool {pool} from specification $${specification('a')}$$")
    run("use role accountadmin")
    run("grant operate, monitor on service svc to role svc_operator")
    yield specification
    run("use role accountadmin")
    run("drop service if exists svc")
    for role in ("svc_owner", "svc_operator"):
        run(f"drop role {role}")


def row(run):
    found = run("show services like 'SVC'")
    return found[0] if found else None


def test_another_role_resumes_a_service_and_it_stays_its_owners(run, service):
    run("use role svc_operator")
    run("alter service svc suspend")
    until(lambda: row(run)[1] == "SUSPENDED", "not suspended")
    run("alter service svc resume")
    until(lambda: row(run)[1] == "RUNNING", "not resumed")

    assert row(run)[4] == "SVC_OWNER"
    run("use role accountadmin")
    granted = {(one[1], one[5]) for one in run("show grants on service svc")}
    assert {("OPERATE", "SVC_OPERATOR"), ("MONITOR", "SVC_OPERATOR")} <= granted


def test_a_service_whose_owner_lost_the_pool_is_not_resumed(run, service, pool):
    run("alter service svc suspend")
    until(lambda: row(run)[1] == "SUSPENDED", "not suspended")
    run(f"revoke usage on compute pool {pool} from role svc_owner")

    with pytest.raises(ProgrammingError):
        run("alter service svc resume")
    assert row(run)[1] == "SUSPENDED"  # it stands as it was
    run(f"grant usage on compute pool {pool} to role svc_owner")
    run("alter service svc resume")
    assert row(run)[1] != "SUSPENDED"


def test_another_specification_takes_the_place_of_the_first(run, service):
    run("use role svc_operator")
    run(f"alter service svc from specification $${service('b')}$$")

    run("use role svc_owner")
    assert [one[0] for one in run("show endpoints in service svc")] == ["b"]
    with pytest.raises(ProgrammingError):
        run("alter service svc from specification 'nonsense: ['")
    assert [one[0] for one in run("show endpoints in service svc")] == ["b"]


def test_settings_are_set_and_unset(run, service):
    run("use role svc_owner")
    run("alter service svc set min_instances = 2 max_instances = 3 comment = 'two'")
    assert row(run)[8:13] == (2, 2, 2, 3, "true")
    run("alter service svc unset comment")
    assert not row(run)[19]
    with pytest.raises(ProgrammingError, match="MIN_INSTANCES"):
        run("alter service svc set min_instances = 4")
    with pytest.raises(ProgrammingError, match="unexpected"):
        run("alter service svc set colour = 'red'")
    run("use role svc_operator")
    with pytest.raises(ProgrammingError, match="privileges"):
        run("alter service svc set comment = 'mine'")
