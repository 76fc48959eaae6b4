"""Laws of deployments, over random pairs of graphs and through a real connection.

``apply(plan(A, B), A) == B``; ``plan(B, B)`` is empty; and wherever a deployment is interrupted the
graph is the old one, the new one, or suspended, and the next deployment makes it the new one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from sf_ml_framework.deploy.faults import StoppedError
from sf_ml_framework.deploy.rollback import state_of
from sf_ml_framework.errors import OperatorError
from sf_ml_framework.plan import to_sql
from sf_ml_framework.plan.objects import Task
from tests.integration.snowflake.deploy_graphs import (
    BY,
    PROJECT,
    ROOT,
    Interrupting,
    Site,
    graphs,
    is_whole,
    resolved,
    root,
    state,
    task,
)

pytestmark = pytest.mark.slow

Graph = tuple[Task, ...]
LAW = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    # Shrinking a failure would deploy for minutes; the pair is small enough to read as it is.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def new_site(make_account: Callable[..., Any], database: str) -> Iterator[Callable[[], Site]]:
    """Return what makes an empty schema, on one connection for the whole test."""
    account = make_account()
    numbers = itertools.count()

    def make() -> Site:
        place = f"{database}.S{next(numbers)}"
        account.execute(f"create schema {place}")
        return Site(account, place)

    return make


def shown(site: Site) -> set[str]:
    """Return the names of all tasks in the schema, whoever made them."""
    return {row["name"] for row in site.account.rows(f"show tasks in schema {site.place}")}


@LAW
@given(before=graphs(), after=graphs())
def test_applying_the_plan_from_one_graph_to_another_gives_the_other(new_site, before, after):
    site = new_site()
    site.deploy(before)
    assert site.tasks(before) == resolved(before, {})

    site.deploy(after)

    assert site.tasks(after) == resolved(after, resolved(before, {}))
    assert shown(site) == {one.name for one in after}


@LAW
@given(graph=graphs())
def test_a_graph_that_stands_needs_no_change_whatever_show_makes_of_it(new_site, graph):
    site = new_site()
    site.deploy(graph)
    site.observer.sent.clear()

    assert site.plan(graph).is_empty
    assert site.deploy(graph) is None
    assert site.observer.sent == []


@LAW
@given(before=graphs(), after=graphs())
def test_without_delete_what_left_the_code_stands_and_cannot_run(new_site, before, after):
    site = new_site()
    site.deploy(before)

    site.deploy(after, delete=False)

    standing = site.tasks(after)
    left = {one.name for one in before} - {one.name for one in after}
    wanted = resolved(after, resolved(before, {}))
    assert {name: standing[name] for name in wanted} == wanted
    assert left <= set(standing)
    for name in left:
        assert not standing[name].started
        assert not standing[name].finalizes
    assert site.plan(after, delete=False).is_empty


PAIRS: dict[str, tuple[Graph, Graph]] = {
    "first": ((), (root(), task("A", ROOT), task("B", "A"), task("FIN", finalizes=ROOT))),
    "change, add and remove": (
        (root(), task("A", ROOT), task("B", "A"), task("C", "B"), task("FIN", finalizes=ROOT)),
        (
            root(schedule="60 MINUTES"),
            task("B", ROOT, body="select 2"),
            task("D", "B"),
            task("A", "B", "D"),
            task("END", finalizes=ROOT),
        ),
    ),
    "kept as it was": (
        (root(), task("A", ROOT), task("B", ROOT)),
        (root(started=None, config='{"a":1}'), task("B", ROOT), task("A", "B")),
    ),
    "without a schedule": (
        (root(schedule="", started=False), task("A", ROOT), task("B", "A")),
        (root(schedule="", started=False), task("B", ROOT, timeout_ms=5000), task("C", "B")),
    ),
}


def fails() -> None:
    raise OperatorError("injected")


@pytest.mark.parametrize("done", [True, False], ids=["after", "instead of"])
@pytest.mark.parametrize("pair", PAIRS)
def test_a_fault_at_each_statement_leaves_a_whole_graph_that_the_next_deployment_finishes(
    new_site, pair, done
):
    before, after = PAIRS[pair]
    for number in itertools.count(1):
        site = new_site()
        if before:
            site.deploy(before)
        old, new = resolved(before, {}), resolved(after, resolved(before, {}))
        plan = site.plan(after)
        if number > len(to_sql.statements(plan)):
            break
        interrupting = Interrupting(site.platform, number, fails, done=done)

        with pytest.raises(OperatorError, match="injected") as caught:
            site.deployer(interrupting).apply(plan, BY)

        assert is_whole(site.tasks(after), old, new) == ""
        # Before the table of deployments stands there is nothing to go on from.
        assert isinstance(caught.value, StoppedError) or not before
        site.deploy(after)
        assert site.tasks(after) == new, f"after a fault at statement {number}"
        assert shown(site) == set(new)
        assert site.plan(after).is_empty
    assert number > 3


@settings(LAW, max_examples=3)
@given(before=graphs(), after=graphs())
def test_between_random_graphs_too_a_fault_leaves_a_whole_one(new_site, before, after):
    old, new = resolved(before, {}), resolved(after, resolved(before, {}))
    for number in itertools.count(1):
        site = new_site()
        site.deploy(before)
        plan = site.plan(after)
        if number > len(to_sql.statements(plan)):
            return
        with pytest.raises(StoppedError):
            site.deployer(Interrupting(site.platform, number, fails)).apply(plan, BY)

        assert is_whole(site.tasks(after), old, new) == ""
        site.deploy(after)
        assert site.tasks(after) == new


def test_an_interrupted_deployment_can_be_rolled_back(new_site):
    """To the last state that was reached: the one before it."""
    before, after = PAIRS["change, add and remove"]
    for number in itertools.count(1):
        site = new_site()
        site.deploy(before)
        standing = site.history.deployment(PROJECT, "last")
        plan = site.plan(after)
        if number > len(to_sql.statements(plan)):
            break
        with pytest.raises(StoppedError):
            site.deployer(Interrupting(site.platform, number, fails)).apply(plan, BY)

        wanted = state_of(standing, state(site.place, after))
        back = site.deployer().plan(wanted, delete=True)
        site.deployer().apply(back, msgspec.structs.replace(BY, kind="rollback"))

        assert site.tasks(before) == resolved(before, {})
        assert shown(site) == {one.name for one in before}
        assert site.history.deployment(PROJECT, "last").kind == "rollback"
    assert number > 3


def test_another_graph_in_the_same_schema_is_left_alone(new_site):
    before, after = PAIRS["change, add and remove"]
    site = new_site()
    site.account.execute(f"use schema {site.place}")
    site.account.execute("create task other schedule = '5 minutes' as select 1")
    site.account.execute("create task child after other as select 1")
    site.account.execute("alter task child resume")
    site.account.execute("alter task other resume")

    for graph in (before, after, ()):
        site.deploy(graph) if graph else site.deployer().apply(site.plan(()), BY)

        rows = {r["name"]: r for r in site.account.rows(f"show tasks in schema {site.place}")}
        assert (rows["OTHER"]["state"], rows["CHILD"]["state"]) == ("started", "started")
