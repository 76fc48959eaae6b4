"""What can go wrong around a node's container, each in a real task of a real graph.

Every fault is told in MLOPS_NODE_RUNS with its remedy, and the remedy mends it.
"""

from __future__ import annotations

import json
import os
import signal

import pytest

from sf_ml_framework.emulator.faults import SnowflakeError
from sf_ml_framework.emulator.services.running import Services

PIPELINE = """
CATALOG = DataCatalog([
    Dataset(name="made", columns=[Column(name="id", type="integer")]),
])
PROJECT = Project(name="small", catalog=CATALOG, pipeline=[
    NodeConfig(name="work", function=work, outputs="made", params={"mode": "", "rows": 3}),
])
"""
STEPS = """
import resource

import pandas as pd


def work(*, mode: str = "", rows: int = 3) -> pd.DataFrame:
    if mode == "wait":
        say()
        wait_for("go")
    if mode == "memory":
        resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
        bytearray(64 * 2**30)
    return pd.DataFrame({"id": range(rows)})
"""
OLD = [0, 1, 2]


@pytest.fixture(scope="module")
def made_site(stand):
    made = stand(PIPELINE, STEPS)
    made.run()
    return made


@pytest.fixture
def site(made_site):
    """The site, with the old version of the data standing; put right again afterwards."""
    (made_site.root / "go").unlink(missing_ok=True)
    yield made_site
    made_site.deploy()


@pytest.fixture
def run(site):
    """Run the graph and return the node's task and its record."""

    def call(mode="", **more):
        times = len(site._graphs()) + 1
        config = {"params": {"mode": mode, **more}, "force": True}
        task = site.run(json.dumps(config), times=times)["work"]
        return task, site.records()["work"]

    return call


def failed_like(task, record, error, remedy):
    """Check how a fault is told, and that the run has failed."""
    assert task["state"] == "FAILED"
    assert record.status == "failed"
    assert error in record.error
    assert remedy in record.remedy


def check_old_stands(site):
    assert sorted(site.load("made")["id"]) == OLD
    assert site.journal.run(site.run_id()).status == "failed"


def test_a_suspended_pool_is_told_and_resumed(site, run):
    pool = site.target.pools["SMALL"].name
    site.admin.execute(f"alter compute pool {pool} set auto_resume = false")
    site.admin.execute(f"alter compute pool {pool} suspend")

    task, record = run()

    failed_like(task, record, f"'{pool}' is suspended", "ALTER COMPUTE POOL <name> RESUME")
    check_old_stands(site)
    site.admin.execute(f"alter compute pool {pool} resume")
    assert run()[1].status == "succeeded"


def test_a_pool_that_is_not_there_is_told(site, run):
    pool = site.target.pools["SMALL"].name
    site.admin.execute(f"alter compute pool {pool} stop all")
    site.admin.execute(f"drop compute pool {pool}")

    task, record = run()

    failed_like(task, record, pool, "make the pool with `mlops infra apply`")
    check_old_stands(site)


def test_an_image_that_nobody_pushed_is_told(site, run):
    site.deploy(parts=("run",), tag="never-pushed")

    task, record = run()

    failed_like(task, record, "mlops_framework:never-pushed", "build and push it")
    check_old_stands(site)


def test_a_warehouse_that_is_not_there_is_told(site, run):
    site.admin.execute(f"drop warehouse {site.target.warehouse}")

    task, record = run()

    assert task["state"] == "FAILED"
    assert record.status == "failed"
    assert site.target.warehouse in record.error
    assert record.remedy


def test_credits_that_are_used_up_are_told(site, run, emulator, monkeypatch):
    """A resource monitor suspends a warehouse; the emulator has none, so its answer is put in."""
    answer = emulator.account.router.run
    warehouse = site.target.warehouse

    def refuses(session, sql, *rest, **more):
        if "MERGE INTO" not in sql and '"MADE$' in sql and session.warehouse == warehouse:
            raise SnowflakeError(
                f"Warehouse '{warehouse}' cannot be resumed because resource monitor 'M' has"
                " exceeded its quota.",
                number=90073,
                state="22000",
            )
        return answer(session, sql, *rest, **more)

    monkeypatch.setattr(emulator.account.router, "run", refuses)
    task, record = run(rows=9)
    monkeypatch.undo()

    failed_like(task, record, "the credits are used up", "raise CREDIT_QUOTA")
    assert record.exit_code == 3
    assert "code 3" in task["error_message"]
    assert sorted(site.load("made")["id"]) == OLD


def test_a_missing_privilege_names_the_exact_grant_in_the_record_and_in_the_task(site, run):
    role, schema = site.target.role, f"{site.database}.ML"
    site.admin.execute(f"revoke create table on schema {schema} from role {role}")
    site.admin.execute(f"revoke create dynamic table on schema {schema} from role {role}")

    task, record = run(rows=4)

    grant = f"GRANT CREATE TABLE ON SCHEMA {schema} TO ROLE {role};"
    failed_like(task, record, f"role {role} may not run", grant)
    told = json.loads(task["return_value"])
    assert grant in told["remedy"]
    assert told["exit_code"] == record.exit_code == 3
    assert sorted(site.load("made")["id"]) == OLD
    site.admin.execute(grant)
    assert run(rows=3)[1].status == "succeeded"


def test_where_not_even_the_record_may_be_written_the_task_names_the_grant(site, run):
    role, table = site.target.role, f"{site.database}.ML.MLOPS_NODE_RUNS"
    site.admin.execute(f"revoke insert on table {table} from role {role}")

    times = len(site._graphs()) + 1
    task = site.run('{"force": true}', times=times)["work"]

    told = json.loads(task["return_value"])
    # The record is written by a MERGE, which deletes nothing.
    assert f"GRANT INSERT, UPDATE ON TABLE {table} TO ROLE {role};" in told["remedy"]
    assert told["exit_code"] == 3
    assert sorted(site.load("made")["id"]) == OLD


def test_a_container_that_is_killed_is_told_by_the_finalizer(site):
    times = len(site._graphs()) + 1
    site.start('{"params": {"mode": "wait"}, "force": true}')
    pid, _ = site.begun()

    os.kill(pid, signal.SIGKILL)
    task = site.ended(times)["work"]

    failed_like(task, site.records()["work"], "code 137", "raise memory_request of its NodeConfig")
    check_old_stands(site)


def test_a_node_without_memory_says_what_it_has(site, run):
    task, record = run("memory")

    failed_like(task, record, "MemoryError", "raise memory_request of its NodeConfig from 2Gi")
    assert record.exit_code == 1
    check_old_stands(site)


def service(emulator, site):
    """Return the emulator's side of the one container that runs, and the name of its token."""
    services = emulator.account.part(Services)
    (live,) = [each for each in services._live.values() if each.path.database == site.database]
    return services, live


def expire(emulator, live):
    """Let token and sessions of a container end, as an hour does."""
    emulator.account.tokens.revoke(user=live.path.name, name=f"service {live.id}", kind="OAUTH")
    for session in list(emulator.account.sessions.values()):
        if session.user == live.path.name:
            emulator.account.close_session(session)


def test_a_token_that_expires_in_the_middle_is_read_anew(site, emulator):
    times = len(site._graphs()) + 1
    site.start('{"params": {"mode": "wait", "rows": 3}, "force": true}')
    site.begun()
    services, live = service(emulator, site)
    expire(emulator, live)
    services.refresh()

    site.go_on()
    task = site.ended(times)["work"]

    assert task["state"] == "SUCCEEDED"
    assert site.records()["work"].status == "succeeded"


def test_a_token_that_expires_in_the_middle_and_is_not_renewed_fails_cleanly(site, emulator):
    times = len(site._graphs()) + 1
    site.start('{"params": {"mode": "wait", "rows": 8}, "force": true}')
    site.begun()
    expire(emulator, service(emulator, site)[1])

    site.go_on()
    task = site.ended(times)["work"]

    assert "code 3" in task["error_message"]
    record = site.records()["work"]
    assert (record.status, record.error) == ("failed", task["error_message"])
    bodies = [json.loads(line)["body"] for line in site.log("work")]
    assert any("did not accept the token" in body for body in bodies)
    assert any(body.startswith("what to do: check that it is of this account") for body in bodies)
    check_old_stands(site)
