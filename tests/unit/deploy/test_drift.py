"""What counts as changed by hand, and what a plan may not write over silently."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sf_ml_framework.deploy.drift import Drift, drifted, overwritten
from sf_ml_framework.deploy.records import Recorded
from sf_ml_framework.plan.changes import Alter, Change, Create, Keep, Plan, Retire
from sf_ml_framework.plan.objects import Desired, LastRun, Object, Observed, Pool, Role, Task

A = Task(name="D.S.A", body="select 1")
B = Task(name="D.S.B", body="select 2", after=("A",))
POOL = Pool(name="P", family="CPU_X64_S")


def state(*things: Object) -> Desired:
    return Desired(
        project="p", target="t", database="D", schema="S", role="R", deploy_role="R",
        warehouse="W", root="D.S.A", image="", objects=things,
    )  # fmt: skip


def recorded(*states: Desired) -> Recorded:
    return Recorded(table=True, states=states, applied=states[-1] if states else None)


def changed(thing: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(thing, **fields)


def test_what_stands_as_it_was_deployed_has_not_drifted():
    assert drifted(recorded(state(A, B, POOL)), Observed(objects=(A, B, POOL))) == ()


def test_an_edited_task_and_pool_have_drifted_field_by_field():
    standing = (changed(A, schedule="5 MINUTES"), B, changed(POOL, max_nodes=9))

    found = drifted(recorded(state(A, B, POOL)), Observed(objects=standing))

    assert [drift.words for drift in found] == [
        "compute pool P: max_nodes was 1 and is 9",
        "task D.S.A: schedule was nothing and is 5 MINUTES",
    ]


def test_a_long_value_is_told_by_its_first_line_that_differs():
    before, after = changed(A, body="x\n" * 50), changed(A, body="x\n" * 30 + "drop table t\n")

    (drift,) = drifted(recorded(state(before)), Observed(objects=(after,)))

    assert drift.words == "task D.S.A: body differs at line 31, which is now 'drop table t'"


def test_a_dropped_task_has_drifted_and_is_made_anew_without_asking():
    (drift,) = drifted(recorded(state(A, B)), Observed(objects=(A,)))

    assert drift.words == "task D.S.B was dropped"
    assert overwritten([drift], plan(Create(wanted=B))) == ()


def test_after_an_interruption_either_state_may_stand():
    old, new = state(A, B), state(changed(A, body="new"))
    later = Recorded(states=(new, old), applied=old, interrupted=True)

    for standing in ((A, B), (changed(A, body="new"), B), (A,)):
        assert drifted(later, Observed(objects=standing, interrupted=("D.S.A",))) == ()
    edited = Observed(objects=(changed(A, body="third"),), interrupted=("D.S.A",))
    assert [drift.key for drift in drifted(later, edited)] == ["task D.S.A"]


def test_an_interruption_may_leave_one_task_between_two_states():
    old, new = changed(B, after=("A", "C")), changed(B, body="new", after=("A", "D"))
    later = Recorded(states=(state(new), state(old)), applied=state(old))

    def drift(**fields: Any) -> int:
        return len(drifted(later, Observed(objects=(changed(B, **fields),))))

    assert not drift(body="new", after=("A", "C", "D"))
    assert not drift(body="select 2", after=("A",))
    assert drift(body="new", after=("A", "E"))


def test_what_a_first_deployment_left_unfinished_is_nobodys_hand():
    begun = Recorded(states=(state(A, B),))

    assert drifted(begun, Observed(objects=(changed(A, started=False),))) == ()
    assert drifted(begun, Observed(objects=(changed(A, body="x"),))) != ()


def test_a_graph_that_a_person_suspended_has_drifted():
    (drift,) = drifted(recorded(state(A)), Observed(objects=(changed(A, started=False),)))

    assert drift.words == "task D.S.A: started was True and is False"


@pytest.mark.parametrize(
    "observed",
    [
        Observed(
            objects=(changed(A, started=False),),
            last_runs=(LastRun(run_id="1", root="D.S.A", status="FAILED_AND_AUTO_SUSPENDED"),),
        ),
    ],
    ids=["by Snowflake, after failures"],
)
def test_a_graph_that_nobodys_hand_suspended_has_not(observed):
    assert drifted(recorded(state(A)), observed) == ()


def test_a_graph_that_an_interrupted_deployment_suspended_has_not():
    begun = Recorded(states=(state(A, B), state(A)), applied=state(A), interrupted=True)
    observed = Observed(objects=(changed(A, started=False),), interrupted=("D.S.A",))

    assert drifted(begun, observed) == ()


def test_a_state_that_the_deployment_leaves_open_cannot_drift():
    wanted = state(changed(A, started=None))

    for started in (True, False):
        assert drifted(recorded(wanted), Observed(objects=(changed(A, started=started),))) == ()


def test_what_cannot_be_seen_is_not_compared():
    standing = changed(A, timeout_ms=1)

    seen = drifted(recorded(state(A)), Observed(objects=(standing,)))
    unseen = drifted(
        recorded(state(A)), Observed(objects=(standing,), unseen={"task D.S.A": ("timeout_ms",)})
    )
    hidden = drifted(recorded(state(A)), Observed(unknown=("task D.S.A",)))

    assert len(seen) == 1
    assert unseen == hidden == ()


def test_kinds_that_a_deployment_does_not_own_are_left_to_their_owners():
    wanted = Role(name="R", comment="old")

    assert drifted(recorded(state(wanted)), Observed(objects=(changed(wanted, comment="x"),))) == ()


def test_only_drift_that_the_plan_touches_is_in_its_way():
    drifts = [Drift(key=f"task D.S.{name}", differences=drift_of(name)) for name in "ABC"]
    changes = (
        Alter(wanted=A, differences=()),
        Keep(wanted=B),
        Retire(standing=changed(A, name="D.S.C")),
    )

    assert [d.key for d in overwritten(drifts, plan(*changes))] == ["task D.S.A", "task D.S.C"]


def drift_of(name: str) -> Any:
    (drift,) = drifted(
        recorded(state(changed(A, name=name))), Observed(objects=(changed(A, name=name, body="x"),))
    )
    return drift.differences


def plan(*changes: Change) -> Plan:
    return Plan(desired=state(A), observed=Observed(), changes=changes, steps=())
