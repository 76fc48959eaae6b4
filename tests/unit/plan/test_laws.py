"""Laws of plans, for random pairs of what stands and what should, on a strict model."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sf_ml_framework.plan.changes import Plan
from sf_ml_framework.plan.diff import make_plan
from sf_ml_framework.plan.objects import Task
from tests.unit.plan.account_model import AccountModel
from tests.unit.plan.graphs import ROOT, damaged, desired, observed, states

STANDING = states().flatmap(lambda objects: st.one_of(st.just(objects), damaged(objects)))

MANY = settings(max_examples=150, deadline=None)


def carried_out(plan: Plan, steps: int | None = None) -> AccountModel:
    model = AccountModel(plan.observed.objects)
    for step in plan.steps[:steps]:
        model.apply(step)
    return model


def shape(model: AccountModel) -> set[object]:
    return set(model.objects.values())


@MANY
@given(STANDING, states())
def test_a_plan_that_is_carried_out_gives_what_was_wanted(standing, wanted):
    plan = make_plan(desired(wanted), observed(standing), delete=True)

    model = carried_out(plan)

    assert shape(model) == set(wanted)


@MANY
@given(STANDING, states(), st.booleans())
def test_after_a_deployment_the_next_plan_is_empty(standing, wanted, delete):
    """Nothing is sent where nothing changed, also where leftovers were not to be removed."""
    first = make_plan(desired(wanted), observed(standing), delete=delete)

    again = make_plan(
        desired(wanted), observed(tuple(carried_out(first).objects.values())), delete=delete
    )

    assert again.steps == ()


@MANY
@given(STANDING, states(), st.booleans())
def test_wherever_it_stops_the_graph_is_the_old_one_the_new_one_or_suspended(
    standing, wanted, delete
):
    plan = make_plan(desired(wanted), observed(standing), delete=delete)
    old = AccountModel(tuple(standing)).tasks
    new = carried_out(plan).tasks

    for count in range(len(plan.steps) + 1):
        tasks = carried_out(plan, count).tasks
        root = tasks.get(ROOT)

        assert tasks in (old, new) or root is None or not root.started


@MANY
@given(STANDING, states(), st.data())
def test_the_next_deployment_heals_one_that_stopped_anywhere(standing, wanted, data):
    plan = make_plan(desired(wanted), observed(standing), delete=True)
    stop = data.draw(st.integers(0, len(plan.steps)))
    left = tuple(carried_out(plan, stop).objects.values())

    healed = carried_out(make_plan(desired(wanted), observed(left), delete=True))

    assert shape(healed) == set(wanted)


@MANY
@given(STANDING, states())
def test_unasked_nothing_is_dropped_and_what_is_left_does_not_run(standing, wanted):
    plan = make_plan(desired(wanted), observed(standing), delete=False)

    model = carried_out(plan)

    assert set(model.objects) >= {*AccountModel(tuple(standing)).objects}
    names = {thing.name for thing in wanted}
    left = [thing for thing in model.objects.values() if thing.name not in names]
    assert not any(thing.started for thing in left if isinstance(thing, Task))


@MANY
@given(states())
def test_the_same_state_needs_no_plan(objects):
    plan = make_plan(desired(objects), observed(objects))

    assert plan.is_empty
    assert plan.warnings == ()
