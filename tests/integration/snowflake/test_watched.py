"""Views and alerts as a deployment makes them: each occasion is told once, by mail and webhook.

The emulator's clock is moved, so it is one of this module's own.
"""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from sf_ml_framework.emulator import Emulator
from tests.integration.docs.pages import blocks_of
from tests.integration.snowflake.deployed_chain import Chain
from tests.waiting import until

SETTINGS = """\
project: chain.pipeline:PROJECT
default_target: dev
targets:
  dev:
    database: {database}
    prefix: {database}
    tasks: {{schedule: 60 MINUTE, state: kept}}
    notifications:
      email_integration: mail
      recipients: [ops@example.com]
      webhook_integration: slack
      webhook_secret: hooks.ops.word
    alerts:
      failure: true
      late_after_minutes: 180
      credits_per_day: 0.000001
      every_minutes: 10
"""
MAKES = (
    "create notification integration mail type = email enabled = true"
    " allowed_recipients = ('ops@example.com')",
    "create database hooks",
    "create schema hooks.ops",
    "create secret hooks.ops.word type = generic_string secret_string = 'T0/B0/x'",
    "create notification integration slack type = webhook enabled = true"
    " webhook_url = 'https://hooks.slack.com/services/SNOWFLAKE_WEBHOOK_SECRET'"
    " webhook_secret = hooks.ops.word"
    """ webhook_body_template = '{"text": "SNOWFLAKE_WEBHOOK_MESSAGE"}'""",
)
KINDS = ("FAILURE", "LATE", "COST")


class Watched(Chain):
    """The chain with somebody to be told, and a clock that can be moved."""

    def messages(self, *holding: str) -> list[dict]:
        """Return what was sent that holds all of the texts."""
        file = self.emulator.account.files / "notifications.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines if all(text in line for text in holding)]

    def pass_time(self, minutes: float) -> None:
        """Move the clock, and wait until every alert has looked since."""
        clock = self.emulator.account.clock
        moment = clock.advance(timedelta(minutes=minutes).total_seconds())
        asked = (
            f"select count(distinct name) from table({self.database}.information_schema."
            "alert_history(result_limit => 1000)) where name like 'ALERT_CHAIN_%' and"
            f" completed_time >= '{moment.isoformat()}'::timestamp_tz"
        )
        until(lambda: self.sql(asked) == [(len(KINDS),)], "the alerts did not look")

    def record(self, status: str, minutes_ago: int) -> str:
        """Write down a run of the graph that ended some time ago, and return its id."""
        run_id = str(uuid.uuid4())
        began = self.emulator.account.clock.now() - timedelta(minutes=minutes_ago, seconds=30)
        facts = {"run_id": run_id, "project": "chain", "status": status}
        facts["started"] = began.isoformat()
        columns = ", ".join(f"'{value}'" for value in (*facts.values(), json.dumps(facts)))
        self.sql(
            f"insert into {self.database}.ML.MLOPS_RUNS"
            f" (run_id, project, status, started, record, seconds) values ({columns}, 30)"
        )
        return run_id

    def seen(self, query: str) -> list[tuple]:
        """Return what somebody sees who may only look."""
        reader = f"{self.database}_READ_ROLE"
        return self.sql(
            "use secondary roles none",
            f"grant role {reader} to role accountadmin",
            f"use role {reader}",
            f"use warehouse {self.database}_WH",
            f"use schema {self.database}.ML",
            query,
        )

    def costly_days(self) -> list[str]:
        """Return the days that took more than they may: two where midnight came in between."""
        found = self.seen(
            "select to_varchar(convert_timezone('UTC', hour)::date, 'YYYY-MM-DD') as day"
            " from mlops_pool_hours group by 1 having sum(credits) > 0.000001"
        )
        return [day for (day,) in found]

    def failures(self) -> list[tuple]:
        """Return what went wrong with an alert itself."""
        return self.sql(
            "select name, state, sql_error_message from snowflake.account_usage.alert_history"
            " where state not in ('TRIGGERED', 'CONDITION_FALSE')"
        )


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    with Emulator() as emulator:
        made = Watched(tmp_path_factory.mktemp("watched") / "project", emulator)
        made.write("mlops.yml", SETTINGS.format(database=made.database))
        made.sql(*MAKES)
        made.found()
        made.deploy()
        yield made


def test_a_second_deployment_has_nothing_to_do(watched):
    watched.pass_time(11)

    assert watched.ok("plan", "--tag", "v1", "--detailed-exitcode")
    assert {row[1]: row[8] for row in watched.sql("show alerts in account")} == {
        f"ALERT_CHAIN_{kind}": "started" for kind in KINDS
    }


def test_a_failed_run_that_nobody_told_of_is_told_once(watched):
    run_id = watched.record("failed", 6)
    watched.pass_time(11)
    watched.pass_time(11)

    mail, hook = sorted(watched.messages(run_id), key=lambda line: line["type"])
    assert mail["to"] == ["ops@example.com"]
    assert f"run {run_id} failed" in mail["body"]
    assert json.loads(hook["body"])["text"].startswith("chain on dev. ")
    assert watched.failures() == []


def test_a_run_that_failed_just_now_is_left_to_its_own_end(watched):
    """The finalizer tells of it at once; the alert is for what that could not tell."""
    watched.pass_time(11)
    run_id = watched.record("failed", 0)
    watched.sql(f"execute alert {watched.database}.ML.ALERT_CHAIN_FAILURE")

    assert watched.messages(run_id) == []


def test_that_no_run_succeeds_any_more_is_told_once_for_the_last_that_did(watched):
    run_id = watched.record("succeeded", 0)
    watched.pass_time(90)
    early = watched.messages(run_id)
    watched.pass_time(100)
    watched.pass_time(60)

    assert early == []
    assert [line["type"] for line in watched.messages(run_id)] == ["EMAIL", "WEBHOOK"]
    assert watched.failures() == []


def test_a_run_that_fails_is_told_once_and_so_is_what_it_cost(watched):
    """By its finalizer, at once; the alert finds that somebody has been told."""
    nodes = watched.root / "chain" / "nodes.py"
    text = nodes.read_text(encoding="utf-8")
    watched.write(
        "chain/nodes.py", text.replace("# make breaks here", 'raise ValueError("no \\"orders\\"")')
    )
    watched.deploy()
    done = watched.call("tasks", "run", "--wait", "--format", "json")
    run_id = done.json["run"]
    # The end of a run has ten minutes; the clock must not take them away.
    ended = (
        f"select 1 from table({watched.database}.information_schema.task_history("
        "task_name => 'TASK_CHAIN_FINALIZE')) where completed_time is not null"
        f" and graph_run_group_id = '{run_id}'"
    )
    until(lambda: watched.sql(ended))
    watched.pass_time(11)
    watched.pass_time(11)
    days = watched.costly_days()
    watched.pass_time(11)

    assert done.returncode == 1, done.stdout + done.stderr
    (mail, hook) = watched.messages(run_id)
    assert mail["subject"] == "chain on dev: failed"
    assert "make_orders: " in mail["body"]
    assert json.loads(hook["body"])["text"].startswith("chain on dev: failed. Run ")
    told = {day: watched.messages(f"credits on {day} UTC") for day in days}
    assert told
    for lines in told.values():
        assert [line["type"] for line in lines] == ["EMAIL", "WEBHOOK"]
    assert watched.failures() == []
    ((pool, family, spent),) = watched.seen(
        "select pool, family, sum(credits) from mlops_pool_hours where node_hours > 0 group by 1, 2"
    )
    assert (pool, family) == (f"{watched.database}_COMPUTE_POOL", "CPU_X64_S")
    assert spent > 0
    tasks = watched.seen(f"select task, state from mlops_task_history where run_id = '{run_id}'")
    assert ("TASK_MAKE_ORDERS", "FAILED") in tasks
    queued = watched.seen("select task, attempts, mean_seconds from mlops_queue_days")
    assert {task for task, attempts, seconds in queued if attempts and seconds >= 0} >= {
        "TASK_CHAIN", "TASK_MAKE_ORDERS", "TASK_CHAIN_FINALIZE",
    }  # fmt: skip


def test_the_views_tell_of_nodes_and_runs_by_the_day(watched):
    nodes = [("n_a", "succeeded", 10), ("n_a", "succeeded", 20), ("n_a", "failed", 1),
             ("n_b", "succeeded", 69), ("n_b", "skipped", 0)]  # fmt: skip
    began = watched.emulator.account.clock.now().isoformat()
    for number, (node, status, seconds) in enumerate(nodes):
        run_id = watched.record("succeeded", number)
        watched.sql(
            f"insert into {watched.database}.ML.MLOPS_NODE_RUNS"
            " (run_id, node, status, attempt, started, seconds) values"
            f" ('{run_id}', '{node}', '{status}', 1, '{began}', {seconds})"
        )

    rows = watched.seen(
        "select node, runs, succeeded, failed, skipped, round(failure_rate, 3), median_seconds,"
        " max_seconds from mlops_node_days where node like 'n_%' order by node"
    )
    slow = watched.seen(
        "select node, runs, total_seconds from mlops_slowest_nodes"
        " where node in ('n_a', 'n_b') order by place"
    )

    assert rows == [
        ("n_a", 3, 2, 1, 0, 0.333, 15.0, 20.0), ("n_b", 2, 1, 0, 1, 0.0, 69.0, 69.0),
    ]  # fmt: skip
    assert slow == [("n_b", 1, 69.0), ("n_a", 3, 31.0)]
    ((runs, good),) = watched.seen(
        "select sum(runs), sum(succeeded) from mlops_run_days where project = 'chain'"
    )
    assert runs >= good >= 5


PAGE = Path(__file__).parents[3] / "docs" / "reference" / "monitoring.md"


@pytest.mark.parametrize(
    "statements",
    [
        block.body
        for block in blocks_of(PAGE.read_text(encoding="utf-8"))
        if block.language == "sql"
    ],
)
def test_what_the_page_of_monitoring_asks_is_answered_to_who_may_only_look(watched, statements):
    for statement in filter(str.strip, statements.split(";")):
        watched.seen(statement.replace("ML_DEV.ML", f"{watched.database}.ML"))


def test_a_message_that_could_not_be_sent_is_sent_later(watched):
    run_id = watched.record("failed", 6)
    watched.sql("alter notification integration mail set enabled = false")
    watched.pass_time(11)
    nothing = watched.messages(run_id)
    watched.sql("alter notification integration mail set enabled = true")
    watched.pass_time(11)
    watched.pass_time(11)

    assert nothing == []
    assert len(watched.messages(run_id)) == 2
