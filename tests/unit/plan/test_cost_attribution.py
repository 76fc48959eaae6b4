"""What an account was billed is shared out, and nothing is lost or made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.plan import rates
from sf_ml_framework.plan.cost.attribute import PoolHour, PoolTerms, Ran, attribute, grouped
from sf_ml_framework.plan.cost.savings import savings
from sf_ml_framework.plan.cost.work import Step, Work

HOUR = 3600.0
POOLS = ("P", "Q")


@st.composite
def jobs(draw):
    start = draw(st.floats(-2 * HOUR, 6 * HOUR))
    length = draw(st.floats(0, 3 * HOUR))
    works = draw(st.booleans())
    return Ran(
        pool=draw(st.sampled_from(POOLS)),
        start=start,
        end=start + length,
        node=draw(st.sampled_from(["", "load", "train"])),
        run_id=draw(st.sampled_from(["one", "two"])),
        works_from=start + draw(st.floats(-60, 600)) if works else None,
        works_until=start + length + draw(st.floats(-600, 60)) if works else None,
        weight=draw(st.floats(0.05, 1.0)),
    )


@st.composite
def bills(draw):
    return [
        PoolHour(pool=pool, start=hour * HOUR, end=(hour + 1) * HOUR, credits=billed)
        for pool in POOLS
        for hour in range(6)
        if (billed := draw(st.one_of(st.just(0.0), st.floats(1e-4, 40.0))))
    ]


TERMS = st.builds(
    PoolTerms,
    rate=st.one_of(st.none(), st.floats(0.01, 10.0)),
    min_nodes=st.integers(1, 2),
    max_nodes=st.integers(1, 4),
    auto_suspend_seconds=st.sampled_from([0, 60, 300, 3600]),
)


@given(bills(), st.lists(jobs(), max_size=12), st.fixed_dictionaries({"P": TERMS}))
def test_nodes_start_up_other_jobs_and_idle_are_what_was_billed(hours, ran, terms):
    """For every pool and hour, whatever overlapped, and whether or not a pool is known."""
    parts = attribute(hours, ran, terms)

    for hour in hours:
        mine = [part for part in parts if (part.pool, part.start) == (hour.pool, hour.start)]
        assert sum(part.credits for part in mine) == pytest.approx(hour.credits, rel=1e-9)
    assert all(part.credits >= -1e-9 for part in parts)
    for by in ("node", "run", "day", "pool"):
        groups = grouped(parts, by)
        total = sum(hour.credits for hour in hours)
        assert sum(group.credits for group in groups) == pytest.approx(total, rel=1e-9)


def credits_of(parts):
    return {
        (part.kind, part.node): pytest.approx(part.credits) for part in parts
    }  # fmt: skip


ONE = {"P": PoolTerms(rate=0.12, max_nodes=1)}


def test_the_time_in_which_nothing_ran_is_idle():
    """Half an hour of a machine was paid, ten minutes of it worked."""
    hours = [PoolHour(pool="P", start=0, end=HOUR, credits=0.06)]
    ran = [Ran(pool="P", node="load", run_id="r", start=0, end=600)]

    assert credits_of(attribute(hours, ran, ONE)) == {("node", "load"): 0.02, ("idle", ""): 0.04}


def test_a_node_over_the_border_of_hours_is_paid_in_both():
    hours = [PoolHour(pool="P", start=at, end=at + HOUR, credits=0.12) for at in (0, HOUR)]
    ran = [Ran(pool="P", node="load", run_id="r", start=HOUR - 900, end=HOUR + 1800)]

    parts = [part for part in attribute(hours, ran, ONE) if part.kind == "node"]

    assert [part.credits for part in parts] == pytest.approx([0.03, 0.06])


def test_two_nodes_on_one_machine_share_it_by_what_they_asked_for():
    hours = [PoolHour(pool="P", start=0, end=HOUR, credits=0.12)]
    ran = [
        Ran(pool="P", node="large", run_id="r", start=0, end=HOUR, weight=0.6),
        Ran(pool="P", node="small", run_id="r", start=0, end=HOUR, weight=0.2),
    ]

    assert credits_of(attribute(hours, ran, ONE)) == {
        ("node", "large"): 0.09,
        ("node", "small"): 0.03,
    }


def test_two_nodes_that_fill_two_machines_have_one_each():
    hours = [PoolHour(pool="P", start=0, end=HOUR, credits=0.24)]
    ran = [
        Ran(pool="P", node="a", run_id="r", start=0, end=HOUR),
        Ran(pool="P", node="b", run_id="r", start=0, end=HOUR),
    ]
    two = {"P": PoolTerms(rate=0.12, max_nodes=2)}

    assert credits_of(attribute(hours, ran, two)) == {("node", "a"): 0.12, ("node", "b"): 0.12}


def test_what_was_paid_while_a_container_started_comes_apart():
    """The pool was asked for at 0, which costs nothing until it is up; the node began at 300."""
    hours = [PoolHour(pool="P", start=0, end=HOUR, credits=0.12 * 700 / HOUR)]
    ran = [
        Ran(pool="P", node="load", run_id="r", start=0, end=600, works_from=300, works_until=600)
    ]

    assert credits_of(attribute(hours, ran, ONE)) == {
        ("node", "load"): 0.12 * 300 / HOUR,
        ("start-up", "load"): 0.12 * 300 / HOUR,
        ("idle", ""): 0.12 * 100 / HOUR,
    }


def test_jobs_of_others_have_their_own_share():
    hours = [PoolHour(pool="P", start=0, end=HOUR, credits=0.12)]
    ran = [
        Ran(pool="P", node="load", run_id="r", start=0, end=900),
        Ran(pool="P", start=1800, end=HOUR, job="DB.S.OTHER"),
    ]

    found = credits_of(attribute(hours, ran, ONE))

    assert found == {("node", "load"): 0.03, ("other", ""): 0.06, ("idle", ""): 0.03}


def test_without_a_rate_a_pool_is_idle_as_long_as_it_waits_to_be_suspended():
    hours = [PoolHour(pool="P", start=0, end=HOUR, credits=9.0)]
    ran = [Ran(pool="P", node="load", run_id="r", start=0, end=600)]
    terms = {"P": PoolTerms(auto_suspend_seconds=300)}

    assert credits_of(attribute(hours, ran, terms)) == {("node", "load"): 6.0, ("idle", ""): 3.0}


def test_what_was_billed_though_nothing_ran_is_idle():
    hours = [PoolHour(pool="P", start=0, end=HOUR, credits=0.12)]

    assert credits_of(attribute(hours, [], ONE)) == {("idle", ""): 0.12}


def saved(terms, ran, billed, work=None):
    hours = [PoolHour(pool="P", start=0, end=HOUR, credits=billed)]
    parts = attribute(hours, ran, terms)
    found = savings(parts, ran, terms, work or Work(), rates.shipped())
    return {saving.setting: (saving.then, saving.credits) for saving in found}


def test_a_pool_that_waits_long_is_told_to_wait_less_and_what_that_saves():
    """Two nodes, forty minutes apart: it waits five minutes twice, and one would do."""
    terms = {"P": PoolTerms(rate=0.12, auto_suspend_seconds=300, sizes=("SMALL",))}
    ran = [
        Ran(pool="P", node="a", run_id="r", start=0, end=300),
        Ran(pool="P", node="b", run_id="r", start=2700, end=3000),
    ]

    found = saved(terms, ran, 0.12 * 1200 / HOUR)

    assert found["pools.SMALL.auto_suspend_seconds"] == ("60", pytest.approx(0.12 * 480 / HOUR))


def test_a_wait_that_has_only_begun_is_no_reason_to_wait_less():
    """The pool is still awake: ten seconds of waiting were paid, and a minute would be anyway."""
    terms = {"P": PoolTerms(rate=0.12, auto_suspend_seconds=300, sizes=("SMALL",))}
    ran = [Ran(pool="P", node="a", run_id="r", start=0, end=300)]

    assert saved(terms, ran, 0.12 * 310 / HOUR) == {}


def test_a_family_that_still_has_room_is_proposed():
    terms = {
        "P": PoolTerms(family="CPU_X64_M", rate=0.22, auto_suspend_seconds=60, sizes=("MEDIUM",))
    }
    work = Work(steps=(Step(node="a", pool="P", cpu=1, memory_gib=8),))
    ran = [Ran(pool="P", node="a", run_id="r", start=0, end=HOUR)]

    assert saved(terms, ran, 0.22, work) == {
        "pools.MEDIUM.family": ("CPU_X64_S", pytest.approx(0.11))
    }


def test_a_pool_that_is_busy_all_the_time_gets_no_advice():
    terms = {"P": PoolTerms(family="CPU_X64_S", rate=0.11, auto_suspend_seconds=60,
                            sizes=("SMALL",))}  # fmt: skip
    work = Work(steps=(Step(node="a", pool="P", cpu=2, memory_gib=8),))
    ran = [Ran(pool="P", node="a", run_id="r", start=0, end=HOUR)]

    assert saved(terms, ran, 0.11, work) == {}


def test_machines_that_are_kept_awake_for_nothing_are_told():
    """One node in ten minutes on two machines: half of what waits need not."""
    terms = {
        "P": PoolTerms(
            rate=0.12, min_nodes=2, max_nodes=2, auto_suspend_seconds=60, sizes=("SMALL",)
        )
    }
    ran = [Ran(pool="P", node="a", run_id="r", start=0, end=600)]
    billed = 0.12 * 2 * 660 / HOUR
    idle = sum(
        part.credits
        for part in attribute([PoolHour(pool="P", start=0, end=HOUR, credits=billed)], ran, terms)
        if part.kind == "idle"
    )

    then, spared = saved(terms, ran, billed)["pools.SMALL.min_nodes"]

    assert then == "1"
    assert spared == pytest.approx(idle / 2)
    assert spared > 0


def test_a_pool_that_is_never_suspended_pays_for_all_the_time_it_waits():
    terms = {"P": PoolTerms(rate=0.12, auto_suspend_seconds=0, sizes=("SMALL",))}
    ran = [Ran(pool="P", node="a", run_id="r", start=0, end=600)]

    found = saved(terms, ran, 0.12)["pools.SMALL.auto_suspend_seconds"]

    assert found == ("60", pytest.approx(0.12 * (HOUR - 600 - 60) / HOUR))


def test_a_small_pool_that_waits_more_than_it_works_could_lend_its_node_to_a_larger_one():
    """A minute of work and five of waiting, while the other pool is awake anyway."""
    terms = {
        "P": PoolTerms(rate=0.06, auto_suspend_seconds=300, sizes=("XSMALL",)),
        "Q": PoolTerms(rate=0.12, auto_suspend_seconds=300, sizes=("SMALL",)),
    }
    ran = [Ran(pool="P", node="a", run_id="r", start=0, end=60)]
    billed = 0.06 * 360 / HOUR

    then, spared = saved(terms, ran, billed)["pools.XSMALL"]

    assert then == "the pool of pools.SMALL, Q"
    assert spared == pytest.approx(billed - 0.12 * 60 / HOUR)


def test_a_larger_pool_is_not_proposed_where_its_rate_would_eat_what_is_saved():
    terms = {
        "P": PoolTerms(rate=0.06, auto_suspend_seconds=60, sizes=("XSMALL",)),
        "Q": PoolTerms(rate=0.12, auto_suspend_seconds=60, sizes=("SMALL",)),
    }
    ran = [Ran(pool="P", node="a", run_id="r", start=0, end=600)]

    assert "pools.XSMALL" not in saved(terms, ran, 0.06 * 660 / HOUR)
