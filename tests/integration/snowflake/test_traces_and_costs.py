"""A deployed graph tells its trace from its containers, and what it cost is told by node."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest

pytest.importorskip("opentelemetry.sdk")

from sf_ml_framework.telemetry.ids import ids_of, span_id, trace_id
from tests.integration.cli.collector import collecting, said
from tests.integration.cli.shop import until
from tests.integration.snowflake.deployed_chain import NAMES, Chain


@pytest.fixture(scope="module")
def collector():
    with collecting() as found:
        yield found


@pytest.fixture(scope="module")
def chain(emulator, tmp_path_factory, collector):
    """A graph whose containers send traces; it has run once, and nobody has seen its bill."""
    made = Chain(tmp_path_factory.mktemp("chain") / "project", emulator)
    made.change("mlops.yml", " tasks:", f" telemetry: '{collector.address}', tasks:")
    made.found()
    made.deploy()
    made.run = made.ok("tasks", "run", "--wait", "--format", "json").json["run"]
    return made


def test_the_containers_of_a_run_join_one_trace_without_a_context(chain, collector):
    spans = {span.name: span for span in collector.spans if span.name in NAMES}

    assert set(spans) == set(NAMES)
    for name, span in spans.items():
        assert span.trace_id.hex() == f"{trace_id(chain.run):032x}"
        assert span.span_id.hex() == f"{span_id(chain.run, name):016x}"
        assert span.parent_span_id.hex() == f"{ids_of(chain.run, {}).run:016x}"
        assert said(span)["mlops.target"] == "dev"
    assert said(spans["price_orders"])["mlops.node.rows"] == 3


def test_the_run_itself_is_sent_afterwards_and_is_the_parent_of_them_all(chain, collector):
    chain.ok("trace", chain.run, "--mode", "snowflake", "--send", "--run-only",
             env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address})  # fmt: skip

    (whole,) = (span for span in collector.spans if span.name == "run chain")
    children = [span for span in collector.spans if span.parent_span_id == whole.span_id]
    assert whole.trace_id.hex() == f"{trace_id(chain.run):032x}"
    assert {span.name for span in children} == set(NAMES)


def test_who_may_not_see_the_bill_is_told_the_grant(chain, canary):
    """It has the role of the tasks alone; the deploy role, which may, helps as a secondary one."""
    user, password = f"{chain.database}_USER", canary("password")
    chain.sql(
        f"create user {user} password = '{password}' must_change_password = false"
        f" default_role = {chain.database}_ROLE default_secondary_roles = ()",
        f"grant role {chain.database}_ROLE to user {user}",
    )
    signed_in = {"SNOWFLAKE_USER": user, "SNOWFLAKE_PASSWORD": password}

    refused = chain.call("cost", "report", env=signed_in)
    chain.sql(f"grant role {chain.database}_DEPLOY_ROLE to user {user}")
    shown = chain.call("cost", "report", env=signed_in)

    assert refused.returncode == 3
    assert "GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER" in refused.stderr
    assert shown.returncode == 0, shown.stderr


def test_what_the_account_was_billed_is_shared_out_and_nothing_is_lost(chain):
    """The pool is awake and costs on, so the report is between what stood before and after it."""
    before = in_account(chain)
    found = chain.ok("cost", "report", "--format", "json").json
    after = in_account(chain)

    rows = {row["node"]: row for row in found["rows"]}
    assert 0 < before <= found["credits"] + 1e-9 <= after + 2e-9
    assert sum(row["credits"] for row in found["rows"]) == pytest.approx(found["credits"])
    assert sum(found["kinds"].values()) == pytest.approx(found["credits"])
    assert set(NAMES) <= set(rows)
    assert all(rows[name]["credits"] > 0 and rows[name]["runs"] == 1 for name in NAMES)
    # Containers take seconds to start, the nodes in them much less; both are of this project.
    assert found["kinds"]["start-up"] > 0
    assert found["kinds"]["other"] == 0


def in_account(chain):
    """Return the credits of the pool in the account's own view."""
    ((billed,),) = chain.sql(
        "select sum(credits_used) from snowflake.account_usage.snowpark_container_services_history"
        f" where compute_pool_name = '{chain.database}_COMPUTE_POOL'"
    )
    return float(billed)


def test_a_pool_that_waits_costs_on_and_that_is_idle_time(chain):
    """It is suspended five minutes after its last job; until then each second is billed."""
    before = chain.ok("cost", "report", "--format", "json").json["kinds"]

    until(lambda: idle(chain) > before["idle"])

    after = chain.ok("cost", "report", "--format", "json").json["kinds"]
    assert after["node"] == pytest.approx(before["node"])
    assert after["start-up"] == pytest.approx(before["start-up"])


def idle(chain):
    return chain.ok("cost", "report", "--format", "json").json["kinds"]["idle"]


def test_one_run_has_its_nodes_and_what_was_idle_in_its_hours(chain):
    found = chain.ok("cost", "report", "--run", chain.run, "--format", "json").json

    assert {row["node"] for row in found["rows"] if row["kind"] == "node"} == set(NAMES)
    assert sum(row["credits"] for row in found["rows"]) == pytest.approx(found["credits"])


@pytest.mark.parametrize("by", ["node", "run", "day", "pool"])
def test_every_way_to_group_comes_to_the_bill(chain, by):
    """The pool is awake and costs on; at midnight the view has a day more after the report."""
    before, days_before = in_account(chain), days_in_account(chain)

    text = chain.ok("cost", "report", "--by", by, "--format", "csv").stdout

    days_after, after = days_in_account(chain), in_account(chain)
    rows = list(csv.DictReader(io.StringIO(text)))
    rest = {"start-up", "idle"}
    named = {
        "node": [{*NAMES, *rest}],
        "run": [{chain.run, *rest}],
        "day": [days_before, days_after],
        "pool": [{f"{chain.database}_COMPUTE_POOL"}],
    }
    assert {row[by] for row in rows} in named[by]
    assert len({(row[by], row["kind"]) for row in rows}) == len(rows)
    billed = sum(float(row["credits"]) for row in rows)
    assert 0 < before <= billed + 1e-9 <= after + 2e-9
    for row in rows:
        assert float(row["share"]) == pytest.approx(float(row["credits"]) / billed)


def days_in_account(chain):
    """Return the days (UTC) of the hours that the account's own view has of the pool."""
    rows = chain.sql(
        "select start_time"
        " from snowflake.account_usage.snowpark_container_services_history"
        f" where compute_pool_name = '{chain.database}_COMPUTE_POOL'"
    )
    return {began.astimezone(dt.UTC).date().isoformat() for (began,) in rows}


def test_a_person_reads_the_lines_their_sum_and_what_would_be_cheaper(chain):
    done = chain.ok("cost", "report", "--since", "2d")

    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["node", "runs"]
    assert any(line.startswith("billed ") and line.endswith("100%") for line in lines)
    assert "the account is up to 3 hours late" in done.stderr


def test_an_estimate_knows_how_long_the_accounts_runs_took(chain):
    found = chain.ok("cost", "estimate", "--mode", "snowflake", "--format", "json").json

    assert found["durations"] == "account"
    assert [node["basis"] for node in found["nodes"]] == ["history"] * 3
