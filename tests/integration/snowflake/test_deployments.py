"""MLOPS_DEPLOYMENTS: who deployed what, and whose turn it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from sf_ml_framework.deploy.records import Deployment, Holder
from sf_ml_framework.errors import UnknownNameError
from sf_ml_framework.places.snowflake.deployments import SnowflakeHistory
from sf_ml_framework.plan.objects import Desired
from sf_ml_framework.plan.tables import framework_tables

PROJECT = "churn"


@pytest.fixture
def open_history(make_account: Callable[..., Any], database: str) -> Callable[[], SnowflakeHistory]:
    """Return what opens the history of one schema, each time through a connection of its own."""
    (table,) = (t for t in framework_tables(f"{database}.ML") if t.name.endswith("DEPLOYMENTS"))
    columns = ", ".join(f"{c.name} {c.type} {'NOT NULL' * c.required}" for c in table.columns)
    make_account().execute(f"create table {table.name} ({columns})")
    return lambda: SnowflakeHistory(make_account(), database, "ML")


@pytest.fixture
def history(open_history: Callable[[], SnowflakeHistory]) -> SnowflakeHistory:
    return open_history()


def holder(name: str) -> Holder:
    return Holder(deployment=name, user_name="ADA", client="laptop:1")


def begun(history: SnowflakeHistory, name: str, status: str = "", **more: Any) -> Deployment:
    """Store a deployment that began, and how it ended when *status* says so."""
    state = Desired(
        project=PROJECT, target="dev", database="D", schema="ML", role="R", deploy_role="R",
        warehouse="W", root="D.ML.TASK_CHURN", image=f"/d/ml/i/x:{name}", objects=(),
    )  # fmt: skip
    desired = msgspec.json.encode(state).decode()
    fields = {"deployment": name, "project": PROJECT, "target": "dev", "desired": desired}
    deployment = Deployment(**{**fields, **more})
    history.begin(deployment)
    if status:
        deployment = msgspec.structs.replace(deployment, status=status)
        history.finish(deployment)
    return deployment


def test_the_lock_is_given_to_one_and_named_to_the_other(history):
    assert history.take(holder("a"), 60).deployment == "a"
    second = history.take(holder("b"), 60)

    assert (second.deployment, second.user_name, second.client) == ("a", "ADA", "laptop:1")
    assert second.since < second.until


def test_a_lock_that_was_given_back_is_free(history):
    history.take(holder("a"), 60)

    assert history.release("a")
    assert history.holder() is None
    assert history.take(holder("b"), 60).deployment == "b"


def test_nobody_releases_or_renews_the_lock_of_another(history):
    history.take(holder("a"), 60)

    assert not history.release("b")
    assert not history.renew(holder("b"), 60)
    assert history.renew(holder("a"), 60)
    assert history.holder().deployment == "a"


def test_a_lock_that_ran_out_is_taken_over_and_its_holder_notices(history):
    history.take(holder("a"), -1)

    assert history.holder() is None
    assert history.take(holder("b"), 60).deployment == "b"
    assert not history.renew(holder("a"), 60)


def test_of_many_that_ask_at_once_one_gets_the_lock(open_history):
    histories = [open_history() for _ in range(6)]
    ready = threading.Barrier(len(histories))
    answers: dict[str, str] = {}

    def ask(number: int, history: SnowflakeHistory) -> None:
        history.stands()
        ready.wait()
        answers[str(number)] = history.take(holder(str(number)), 60).deployment

    threads = [threading.Thread(target=ask, args=each) for each in enumerate(histories)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    winners = [asked for asked, got in answers.items() if asked == got]
    assert len(answers) == 6
    assert winners == [histories[0].holder().deployment]


def test_what_was_begun_is_read_back_as_it_was_stored(history):
    stored = begun(
        history, "20260101-000000-aaaa", "failed", kind="rollback", statements=7, done=3,
        failure="it's \"so\"", root_was_started=True, managed=("task D.ML.X", "grant a on b"),
    )  # fmt: skip

    read = history.deployment(PROJECT, "20260101")

    assert read.started and read.ended
    assert msgspec.structs.replace(read, started="", ended="") == stored


def test_deployments_are_listed_newest_first_without_the_lock_or_other_projects(history):
    history.take(holder("a"), 60)
    begun(history, "1")
    begun(history, "2", "succeeded")
    begun(history, "3", project="other")

    assert [each.deployment for each in history.deployments(PROJECT)] == ["2", "1"]
    assert [each.deployment for each in history.deployments(PROJECT, limit=1)] == ["2"]


def test_last_and_previous_are_those_that_succeeded(history):
    for name, status in (("1", "succeeded"), ("2", "failed"), ("3", "succeeded"), ("4", "")):
        begun(history, name, status)

    assert history.deployment(PROJECT, "last").deployment == "3"
    assert history.deployment(PROJECT, "previous").deployment == "1"


def test_an_unknown_deployment_is_told_with_the_nearest(history):
    begun(history, "20260101-000000-aaaa", "succeeded")

    with pytest.raises(UnknownNameError) as caught:
        history.deployment(PROJECT, "20260101-000000-aaab")

    assert "20260101-000000-aaaa" in caught.value.remedy


def test_the_record_is_the_last_success_and_what_was_begun_since(history):
    begun(history, "1", "succeeded", managed=("task OLD",))
    begun(history, "2", "succeeded", managed=("task A",))
    begun(history, "3", "failed", managed=("task A", "task B"), root_was_started=True)
    begun(history, "4", managed=("task C",), root_was_started=True)

    recorded = history.recorded(PROJECT)

    assert [state.image[-1] for state in recorded.states] == ["4", "3", "2"]
    assert recorded.applied is not None
    assert recorded.applied.image.endswith("2")
    assert sorted(recorded.managed) == ["task A", "task B", "task C"]
    assert recorded.interrupted


def test_after_a_success_nothing_is_interrupted(history):
    begun(history, "1", "failed", root_was_started=True)
    begun(history, "2", "succeeded", root_was_started=True)

    recorded = history.recorded(PROJECT)

    assert not recorded.interrupted
    assert len(recorded.states) == 1


def test_without_a_table_or_schema_nothing_was_deployed(make_account, database):
    account = make_account()
    account.execute(f"create schema {database}.EMPTY")

    for schema in ("EMPTY", "NOWHERE"):
        history = SnowflakeHistory(account, database, schema)
        assert not history.recorded(PROJECT).table
        assert history.deployments(PROJECT) == []
        assert history.holder() is None
        with pytest.raises(UnknownNameError):
            history.deployment(PROJECT, "last")
