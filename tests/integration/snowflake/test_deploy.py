"""Carrying out a plan: exactly that one, by one at a time, and nothing where nothing differs."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from sf_ml_framework.deploy.faults import (
    DeployError,
    DriftError,
    LockedError,
    MovedOnError,
    StoppedError,
)
from sf_ml_framework.deploy.records import Deployment, Holder
from sf_ml_framework.deploy.rollback import state_of
from sf_ml_framework.plan.objects import Grant, Image, Pool, Secret
from tests.integration.snowflake.deploy_graphs import (
    BY,
    PROJECT,
    ROOT,
    Interrupting,
    Site,
    resolved,
    root,
    state,
    task,
)
from tests.integration.snowflake.gates import Gate
from tests.waiting import until

GRAPH = (root(), task("A", ROOT), task("B", "A"), task("FIN", finalizes=ROOT))
EDITED = (root(), task("A", ROOT, body="select 7"), task("B", "A"), task("FIN", finalizes=ROOT))
READS = ("SHOW", "SELECT", "DESCRIBE", "USE")


@pytest.fixture
def changing(emulator: Any) -> Callable[[], list[str]]:
    """Return what tells the statements that changed something since it was asked last."""
    record = emulator.account.record
    seen = [record.added]

    def since() -> list[str]:
        new, seen[0] = record.since(seen[0], "statement"), record.added
        texts = [str(line["sql"]).strip() for line in new]
        return [text for text in texts if text.split()[0].upper() not in READS]

    return since


def test_where_nothing_differs_no_statement_changes_anything(site, changing):
    site.deploy(GRAPH)
    assert changing()

    assert site.deploy(GRAPH) is None

    assert changing() == []
    assert len(site.history.deployments(PROJECT)) == 1


def test_one_changed_task_is_the_only_one_that_is_touched(site, changing):
    site.deploy(GRAPH)
    changing()

    site.deploy(EDITED)

    touched = [sql for sql in changing() if "MLOPS_DEPLOYMENTS" not in sql]
    assert [" ".join(sql.replace(site.place, "X").split()) for sql in touched] == [
        f"ALTER TASK X.{ROOT} SUSPEND",
        "ALTER TASK X.A MODIFY AS select 7",
        f"ALTER TASK X.{ROOT} RESUME",
    ]


@pytest.mark.slow
def test_of_five_hundred_tasks_one_changed_is_the_only_one_that_is_touched(site, changing):
    graph = [root(), *(task(f"T{n}", ROOT) for n in range(20))]
    graph += [task(f"T{n}", f"T{n - 20}") for n in range(20, 498)]
    graph += [task("FIN", finalizes=ROOT)]
    site.deploy(graph)
    before, _ = changing(), len(site.account.rows(f"show tasks in schema {site.place}"))
    graph[250] = msgspec.structs.replace(graph[250], timeout_ms=5_000)

    done = site.deploy(graph)

    touched = [sql for sql in changing() if "MLOPS_DEPLOYMENTS" not in sql]
    assert len(before) > 1000
    assert done is not None
    assert (done.statements, len(touched)) == (3, 3)
    assert graph[250].name in touched[1]
    assert site.plan(graph).is_empty


def test_a_plan_is_refused_when_the_account_moved_on(site, new_site, changing):
    site.deploy(GRAPH)
    plan = site.plan(EDITED)
    new_site().deploy((*GRAPH, task("C", "A")))
    changing()

    with pytest.raises(MovedOnError) as caught:
        site.deployer().apply(plan, BY)

    assert caught.value.differing == (f"task {site.place}.C",)
    assert changing() == []


def test_a_plan_is_refused_when_somebody_deployed_between_the_check_and_the_lock(site, new_site):
    site.deploy(GRAPH)
    plan = site.plan(EDITED)
    other = new_site()

    class Overtaken:
        """A history in which another deployment comes first by a moment."""

        def __getattr__(self, name: str) -> Any:
            return getattr(site.history, name)

        def take(self, wanted: Holder, seconds: int) -> Holder:
            other.deploy((*GRAPH, task("C", "A")))
            return site.history.take(wanted, seconds)

    deployer = site.deployer()
    deployer._history = Overtaken()  # type: ignore[assignment]

    with pytest.raises(MovedOnError):
        deployer.apply(plan, BY)

    assert site.tasks()["A"].body == "select 'A'"
    assert site.history.holder() is None


def test_of_two_deployments_at_once_one_wins_and_the_other_says_so(new_site):
    first, second = new_site(), new_site()
    first.deploy(GRAPH)
    plans = {
        first: first.plan(EDITED),
        second: second.plan((*GRAPH, task("C", "A"))),
    }
    ready = threading.Barrier(2)
    outcomes: dict[Site, Any] = {}

    def deploy(site: Site) -> None:
        ready.wait()
        try:
            outcomes[site] = site.deployer().apply(plans[site], BY)
        except DeployError as error:
            outcomes[site] = error

    threads = [threading.Thread(target=deploy, args=(each,)) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    won = [s for s, outcome in outcomes.items() if isinstance(outcome, Deployment)]
    (lost,) = [o for o in outcomes.values() if isinstance(o, LockedError | MovedOnError)]
    assert len(won) == 1
    assert "changed" in str(lost)
    wanted = EDITED if won[0] is first else (*GRAPH, task("C", "A"))
    assert first.tasks(wanted) == resolved(wanted, {})


def test_while_another_holds_the_lock_a_deployment_changes_nothing_and_names_it(site, changing):
    site.deploy(GRAPH)
    site.history.take(Holder(deployment="other", user_name="BOB", client="server:7"), 60)
    changing()

    with pytest.raises(LockedError, match="BOB") as caught:
        site.deploy(EDITED)

    assert "mlops state unlock other" in caught.value.remedy
    assert not [sql for sql in changing() if "TASK" in sql]
    assert site.history.release("other")
    assert site.deploy(EDITED) is not None


def test_who_loses_the_lock_stops_before_the_next_statement(site, new_site, monkeypatch):
    site.deploy(GRAPH)
    thief = new_site()

    def steal() -> None:
        (newest, *_) = thief.history.deployments(PROJECT)
        thief.history.release(newest.deployment)

    class Slow:
        """A platform on which the lock is lost after the first statement."""

        count = 0

        def observe(self, *given: Any) -> Any:
            return site.platform.observe(*given)

        def execute(self, statement: Any) -> None:
            site.platform.execute(statement)
            self.count += 1
            if self.count == 1:
                steal()

    slow, plan = Slow(), site.plan(EDITED)
    minutes = itertools.count(0, 600)
    monkeypatch.setattr("sf_ml_framework.deploy.lock.monotonic", lambda: float(next(minutes)))
    with pytest.raises(StoppedError, match="lock ran out"):
        site.deployer(slow).apply(plan, BY)

    assert slow.count == 1


@pytest.fixture
def intern(make_account: Callable[..., Any]) -> Iterator[str]:
    """Return a role that has no privilege; dropped afterwards."""
    account, name = make_account(), f"INTERN_{uuid.uuid4().hex[:8]}".upper()
    account.execute(f"create role {name}")
    account.execute(f"grant role {name} to user mlops")
    yield name
    account.execute(f"drop role {name}")


def test_another_role_than_the_targets_is_refused(site, make_account, intern):
    plan = site.plan(GRAPH)
    other = Site(make_account(role=intern), site.place)

    with pytest.raises(DeployError, match=rf"role {intern}.*deployed by ACCOUNTADMIN"):
        other.deployer().apply(plan, BY)


def test_another_account_than_the_plans_is_refused(site):
    plan = site.plan(GRAPH)
    observed = msgspec.structs.replace(plan.observed, account="SOMEWHERE-ELSE")

    with pytest.raises(DeployError, match="SOMEWHERE-ELSE"):
        site.deployer().apply(msgspec.structs.replace(plan, observed=observed), BY)


def test_what_must_be_made_by_a_person_first_is_named_before_anything_changes(site, changing):
    database = site.place.split(".")[0].lower()
    image = Image(name=f"/{database}/ml/images/x:1")

    with pytest.raises(DeployError, match=r"image .*/images/x:1") as caught:
        site.deploy(GRAPH, image)
    with pytest.raises(DeployError, match=r"secret .*\.KEY"):
        site.deploy(GRAPH, Secret(name=f"{site.place}.KEY"))

    assert "push" in caught.value.remedy
    assert changing() == []


def test_a_pool_of_another_family_is_not_replaced(site, database):
    pool = Pool(name=f"P_{database}", family="CPU_X64_S")
    site.deploy(GRAPH, pool)

    with pytest.raises(DeployError, match="family"):
        site.deploy(GRAPH, msgspec.structs.replace(pool, family="CPU_X64_M"))

    site.deploy((), delete=True)


def test_a_task_that_somebody_edited_is_not_written_over_silently(site):
    site.deploy(GRAPH)
    _edit(site, "alter task a modify as select 99")

    with pytest.raises(DriftError, match="body was select 'A' and is select 99"):
        site.deploy(EDITED)
    assert site.tasks()["A"].body == "select 99"
    site.deploy(EDITED, by=msgspec.structs.replace(BY, overwrite_drift=True))

    assert site.tasks() == resolved(EDITED, {})


def test_an_edit_by_hand_is_shown_by_the_plan(site):
    site.deploy(GRAPH)
    _edit(site, "alter task a modify as select 99")

    (caution,) = [c for c in site.plan(GRAPH).warnings if c.code == "changed_by_hand"]

    assert caution.message.endswith(f"task {site.place}.A: body was select 'A' and is select 99")


def test_what_only_an_administrator_may_do_is_left_to_them(site, changing):
    grant = Grant(name=site.place, privilege="USAGE", on="SCHEMA", to="PUBLIC")

    with pytest.raises(DeployError, match=r"GRANT USAGE ON SCHEMA .* TO ROLE PUBLIC") as caught:
        site.deploy(GRAPH, grant)

    assert "mlops infra apply" in caught.value.remedy
    assert changing() == []


def test_an_edit_elsewhere_does_not_stand_in_the_way(site):
    site.deploy(GRAPH)
    _edit(site, "alter task b set comment = 'mine'")
    graph = [
        msgspec.structs.replace(each, comment="mine") if each.name == "B" else each
        for each in EDITED
    ]

    assert site.deploy(graph) is not None


def test_a_graph_that_somebody_suspended_is_not_resumed_silently(site):
    site.deploy(GRAPH)
    site.account.execute(f"alter task {site.place}.{ROOT} suspend")

    with pytest.raises(DriftError, match="started was True and is False"):
        site.deploy(EDITED)


def _edit(site: Site, sql: str) -> None:
    """Change a task by hand, as a person does."""
    site.account.execute(f"use schema {site.place}")
    for each in (f"alter task {ROOT} suspend", sql, f"alter task {ROOT} resume"):
        site.account.execute(each)


def test_a_run_in_flight_goes_on_with_the_graph_that_it_began_with(site):
    gate = Gate(site.account, f"{site.place}.gate")
    slow = (root(), task("A", ROOT, body=gate.body), task("B", "A"))
    edited = (root(), task("A", ROOT), task("B", "A"))
    site.deploy(slow)
    site.account.execute(f"execute task {site.place}.{ROOT}")
    # While the root itself runs, nothing else does.
    until(lambda: [run.nodes for run in site.look(slow).in_flight] == [("A",)])
    plan = site.plan(edited)

    site.deployer().apply(plan, BY)
    gate.open()
    until(lambda: not site.look(slow).in_flight)

    assert [run.nodes for run in plan.observed.in_flight] == [("A",)]
    assert {caution.code for caution in plan.warnings} >= {"run_in_flight", "root_suspended"}
    (last,) = site.look(slow).last_runs
    assert last.status == "SUCCEEDED"


def test_what_was_deployed_is_recorded(site):
    by = msgspec.structs.replace(BY, git_commit="4f2a", framework="1.2")

    done = site.deploy(GRAPH, by=by)
    assert done is not None
    record = site.history.deployment(PROJECT, "last")

    assert record.deployment == done.deployment
    assert (record.status, record.kind, record.user_name) == ("succeeded", "deploy", "ADA")
    assert (record.done, record.git_commit, record.framework) == (record.statements, "4f2a", "1.2")
    assert record.started <= record.ended
    assert state_of(record, state(site.place, GRAPH)) == state(site.place, GRAPH)
    assert f"task {site.place}.A" in record.managed


def test_a_failed_deployment_is_recorded_with_how_far_it_got(site):
    site.deploy(GRAPH)

    def fails() -> None:
        raise DeployError("injected", remedy="none")

    with pytest.raises(StoppedError, match=r"statement 3 of 3.*suspended") as caught:
        plan = site.plan(EDITED)
        site.deployer(Interrupting(site.platform, 3, fails, done=False)).apply(plan, BY)

    (record, _) = site.history.deployments(PROJECT)
    assert (record.status, record.done, record.failure) == ("failed", 2, "injected")
    assert record.deployment in str(caught.value)
    assert "rollback" in caught.value.remedy
