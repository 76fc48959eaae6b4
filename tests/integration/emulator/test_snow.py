"""The ``snow`` command line, unmodified, in an environment of its own."""

from __future__ import annotations

import json
import os
import time

import pytest

from tests.integration.emulator import snow_client
from tests.waiting import until

COMMAND = snow_client.find()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(COMMAND is None, reason=snow_client.NONE),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("snow")


@pytest.fixture(scope="module")
def started(snowflake_connection, folder):
    """The client, with the connection that the environment names or with the emulator's."""
    named = os.environ.get("MLOPS_TEST_CONNECTION")
    options = [] if named else snow_client.settings(folder, snowflake_connection)
    with snow_client.Snow(COMMAND, folder, options) as snow:
        yield snow, ["-c", named or "tests"]


@pytest.fixture
def snow(started):
    """Run a command with the connection's name at its end."""
    client, connection = started

    class Commands:
        def __call__(self, *arguments):
            return client(*arguments, *connection)

        def json(self, *arguments):
            return client.json(*arguments, *connection)

        def ask(self, *arguments):
            return client.ask(*arguments, *connection)

    return Commands()


@pytest.fixture
def here(database):
    return ["--database", database, "--schema", "PUBLIC"]


def test_a_connection_is_tested(snow):
    found = snow.json("connection", "test")

    assert found["Status"] == "OK"
    assert found["Role"] == "ACCOUNTADMIN"


def test_sql_is_run_from_the_command_line_and_from_files(snow, here, folder):
    (folder / "two.sql").write_text("select 1 as one;\nselect '<% word %>' as two;\n")

    assert snow.json("sql", "-q", "select 1 as a", *here) == [{"A": 1}]
    assert snow.json("sql", "-q", "select 1 as a; select 2 as b", *here) == [
        [{"A": 1}],
        [{"B": 2}],
    ]
    assert snow.json("sql", "-f", "two.sql", "-D", "word=x", *here) == [
        [{"ONE": 1}],
        [{"TWO": "x"}],
    ]
    assert snow.json("sql", "-q", "select count(*), 1 + 1 from values (1)", *here) == [
        {"COUNT(*)": 1, "1 + 1": 2}
    ]
    refused = snow.ask("sql", "-q", "select * from nowhere", *here)
    assert refused.code == 1
    assert "002003 (42S02)" in refused.said


def test_objects_are_listed_described_and_dropped(snow, here, database):
    snow("sql", "-q", "create table t (a int); create view v as select 1 as x", *here)

    assert [one["name"] for one in snow.json("object", "list", "table", *here)] == ["T"]
    assert snow.json("object", "list", "view", "--like", "v%", *here)[0]["name"] == "V"
    assert snow.json("object", "list", "task", *here) == []
    found = snow.json("object", "list", "schema", "--in", "database", database)
    assert {one["name"] for one in found} == {"INFORMATION_SCHEMA", "PUBLIC"}
    assert snow.json("object", "describe", "table", "t", *here)[0]["name"] == "A"
    assert snow.json("object", "describe", "database", database)[0]["name"] == "PUBLIC"
    assert "T successfully dropped" in snow("object", "drop", "table", "t", *here).out
    assert "002003" in snow.ask("object", "drop", "table", "t", *here).said
    snow("object", "drop", "table", "t", "--if-exists", *here)


def test_stages_take_and_give_files(snow, here, folder):
    files = folder / "files"
    files.mkdir()
    (files / "a.csv").write_text("1,a\n")
    (files / "b.txt").write_text("b")

    snow("stage", "create", "st", *here)
    sent = snow.json("stage", "copy", "files", "@st/in/", "--no-auto-compress", *here)
    assert {one["target"]: one["status"] for one in sent} == {
        "a.csv": "UPLOADED",
        "b.txt": "UPLOADED",
    }
    listed = snow.json("stage", "list-files", "@st", "--pattern", ".*csv", *here)
    assert [one["name"] for one in listed] == ["st/in/a.csv"]
    snow("stage", "create", "other", *here)
    snow("stage", "copy", "@st/in/", "@other/", *here)
    snow("stage", "copy", "@other/", "got/", "--recursive", *here)
    assert (folder / "got" / "a.csv").read_text() == "1,a\n"
    assert snow.json("stage", "remove", "@st", "in/a.csv", *here)["result"] == "removed"
    assert {one["name"] for one in snow.json("stage", "list", *here)} == {"ST", "OTHER"}
    snow("stage", "drop", "other", *here)


def test_scripts_on_a_stage_are_run(snow, here, folder):
    scripts = folder / "scripts"
    scripts.mkdir()
    (scripts / "1.sql").write_text("create table made (a int);\ninsert into made values (1), (2);")
    (scripts / "2.sql").write_text(
        "--!jinja\n{% for i in range(3) %}insert into made values ({{ i + n }});\n{% endfor %}"
    )
    (scripts / "3.sql").write_text("select * from nowhere;")
    snow("stage", "create", "st", *here)
    snow("stage", "copy", "scripts", "@st", "--no-auto-compress", *here)

    snow("stage", "execute", "@st/1.sql", *here)
    snow("stage", "execute", "@st/2.sql", "-D", "n=10", *here)
    assert snow.json("sql", "-q", "select sum(a) as s from made", *here) == [{"S": 36}]
    assert "002003" in snow.ask("stage", "execute", "@st/3.sql", *here).said
    assert snow.ask("stage", "execute", "@st/4.sql", *here).code == 1


def test_compute_pools_are_made_changed_and_dropped(snow):
    name = f"P_SNOW_{time.time_ns()}"
    pool = ("spcs", "compute-pool")
    snow(*pool, "create", name, "--family", "CPU_X64_XS", "--min-nodes", "1", "--max-nodes", "2")
    try:
        assert snow.json(*pool, "list", "--like", name)[0]["max_nodes"] == 2
        assert snow.json(*pool, "describe", name)[0]["instance_family"] == "CPU_X64_XS"
        again = snow(*pool, "create", name, "--family", "CPU_X64_XS", "--if-not-exists")
        assert "already exists" in again.said
        snow(*pool, "set", name, "--max-nodes", "3", "--comment", "told")
        snow(*pool, "unset", name, "--comment")
        found = snow.json(*pool, "describe", name)[0]
        assert (found["max_nodes"], found["comment"] or "") == (3, "")
        snow(*pool, "suspend", name)
        assert snow.json(*pool, "describe", name)[0]["state"] in {"SUSPENDED", "STOPPING"}
        snow(*pool, "resume", name)
        snow(*pool, "stop-all", name)
        assert "status" in snow(*pool, "status", name).out
    finally:
        snow(*pool, "drop", name)


def test_image_repositories_and_the_registry(snow, here, database):
    repository = ("spcs", "image-repository")
    snow(*repository, "create", "images", *here)
    snow(*repository, "create", "images", "--if-not-exists", *here)

    listed = snow.json(*repository, "list", *here)
    assert [one["name"] for one in listed] == ["IMAGES"]
    url = snow(*repository, "url", "images", *here).out.strip()
    assert url == listed[0]["repository_url"]
    assert url.endswith(f"/{database.lower()}/public/images")
    assert snow("spcs", "image-registry", "url", *here).out.strip() == url.split("/")[0]
    token = snow.json("spcs", "image-registry", "token", *here)
    assert token["token"]
    assert token["expires_in"] > 0
    snow(*repository, "drop", "images", *here)


@pytest.fixture
def specification(folder, image):
    """Write a specification with some arguments; return its file."""

    def write(*arguments, endpoints=()):
        file = folder / f"spec_{time.time_ns()}.yaml"
        container = {"name": "main", "image": image, "args": list(arguments)}
        spec = {"spec": {"containers": [container]}}
        if endpoints:
            spec["spec"]["endpoints"] = list(endpoints)
        file.write_text(json.dumps(spec))
        return str(file)

    return write


def test_jobs_run_and_tell(snow, here, pool, specification):
    service = ("spcs", "service")
    where = ("--compute-pool", pool)
    spec = specification("env", "SNOWFLAKE_SERVICE_NAME")
    done = snow(*service, "execute-job", "job1", *where, "--spec-path", spec, *here)
    assert "DONE" in done.out
    options = ("--async", "--replicas", "2")
    snow(*service, "execute-job", "job2", *where, "--spec-path", spec, *options, *here)

    container = ("--container-name", "main", "--instance-id", "0")
    assert "JOB1" in snow(*service, "logs", "job1", *container, *here).out
    timed = ("--include-timestamps", "--since", "2020-01-01T00:00:00Z", "--num-lines", "5")
    told = snow(*service, "logs", "job1", *container, *timed, *here).out
    assert told.split(" ", 1)[0].startswith("20")
    listed = {one["name"]: one for one in snow.json("object", "list", "service", *here)}
    assert listed["JOB1"]["is_job"] == "true"
    assert listed["JOB2"]["target_instances"] == 2
    failing = specification("exit", "3")
    failed = snow.ask(*service, "execute-job", "job3", *where, "--spec-path", failing, *here)
    assert failed.code == 1
    assert "FAILED" in failed.said
    snow(*service, "drop", "job1", *here)


def test_services_run_change_and_tell(snow, here, pool, specification):
    service = ("spcs", "service")
    endpoint = {"name": "http", "port": 8080, "public": True}
    spec = specification("sleep", "300", endpoints=[endpoint])
    options = ("--comment", "first", "--max-instances", "2")
    where = ("--compute-pool", pool, "--spec-path", spec)
    snow(*service, "create", "svc", *where, *options, *here)

    found = snow.json(*service, "describe", "svc", *here)[0]
    assert (found["comment"], found["max_instances"]) == ("first", 2)
    assert snow.json(*service, "list-endpoints", "svc", *here)[0]["name"] == "http"
    assert len(snow.json(*service, "list-instances", "svc", *here)) == 1
    listed = snow.json(*service, "list-containers", "svc", *here)
    assert listed[0]["container_name"] == "main"
    roles = snow.json(*service, "list-roles", "svc", *here)
    assert [one["name"] for one in roles] == ["ALL_ENDPOINTS_USAGE"]
    assert snow.json(*service, "status", "svc", *here)[0]["containerName"] == "main"

    snow(*service, "set", "svc", "--min-instances", "2", "--max-instances", "3", *here)
    snow(*service, "unset", "svc", "--comment", *here)
    found = snow.json(*service, "describe", "svc", *here)[0]
    assert (found["comment"] or "", found["target_instances"]) == ("", 2)
    other = specification("sleep", "200", endpoints=[{**endpoint, "name": "other"}])
    snow(*service, "upgrade", "svc", "--spec-path", other, *here)
    assert snow.json(*service, "list-endpoints", "svc", *here)[0]["name"] == "other"
    snow(*service, "suspend", "svc", *here)
    assert "SUSPEND" in snow.json(*service, "describe", "svc", *here)[0]["status"]
    snow(*service, "resume", "svc", *here)
    assert "SUSPEND" not in snow.json(*service, "describe", "svc", *here)[0]["status"]
    snow(*service, "drop", "svc", "--if-exists", *here)


def test_events_of_a_service_are_told(snow, here, pool, specification):
    service = ("spcs", "service")
    spec = specification("env", "HOME")
    where = ("--compute-pool", pool, "--spec-path", spec)
    snow(*service, "execute-job", "told", *where, *here)
    container = ("--container-name", "main", "--instance-id", "0", "--since", "1 hour")

    # An account writes its events some seconds later.
    told = ("events", "told", *container, *here)
    events = until(lambda: snow.json(*service, *told), "no events", pause=1)
    assert {one["SERVICE NAME"] for one in events} == {"TOLD"}
    assert len(snow.json(*service, "events", "told", *container, "--first", "1", *here)) == 1
