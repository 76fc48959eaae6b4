"""What a run costs is told before it runs: machines, waiting, the schedule of a month."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.errors import SettingsError
from sf_ml_framework.plan import rates
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.cost import work as works
from sf_ml_framework.plan.cost.estimate import Duration, duration, estimate
from sf_ml_framework.plan.cost.occasions import gaps
from sf_ml_framework.plan.cost.simulate import simulate
from sf_ml_framework.plan.cost.work import Pool, Step, Work
from tests.unit.plan import projects

HOUR = 3600.0
SMALL = Pool(name="P", family="CPU_X64_S", auto_suspend_seconds=300)
RATE = 0.11 / HOUR


def work(*steps, pool=SMALL, schedule=""):
    return Work(steps=steps, pools={"P": pool}, schedule=schedule)


def step(node, *after, **fields):
    return Step(node=node, after=after, **{"pool": "P", "cpu": 1, "memory_gib": 2, **fields})


def took(**seconds):
    return {node: Duration(median=value, p90=value, count=1) for node, value in seconds.items()}


def told(graph, seconds, **more):
    return estimate(graph, took(**seconds), rates.shipped(), **more)


def test_a_run_is_its_nodes_and_the_wait_until_the_pool_is_suspended():
    found = told(work(step("a")), {"a": 600})

    (pool,) = found.pools
    assert found.credits == pytest.approx(RATE * 900)
    assert (pool.busy, pool.idle, pool.start_up) == pytest.approx((RATE * 600, RATE * 300, 0))
    assert found.month is None


def test_a_short_run_costs_five_minutes():
    quick = msgspec.structs.replace(SMALL, auto_suspend_seconds=60)

    assert told(work(step("a"), pool=quick), {"a": 10}).credits == pytest.approx(RATE * 300)


def test_nodes_that_fit_share_a_machine():
    found = told(work(step("a"), step("b"), step("c")), {"a": 600, "b": 600, "c": 600})

    assert found.credits == pytest.approx(RATE * 900)
    assert [node.credits for node in found.nodes] == pytest.approx([RATE * 200] * 3)


def test_nodes_that_do_not_fit_wait_or_take_one_more_machine():
    steps = (step("a", cpu=2), step("b", cpu=2))
    two = msgspec.structs.replace(SMALL, max_nodes=2)

    waits = told(work(*steps), {"a": 600, "b": 600})
    beside = told(work(*steps, pool=two), {"a": 600, "b": 600})

    assert (waits.seconds, beside.seconds) == (120 + 1200, 120 + 600)
    assert waits.credits == pytest.approx(RATE * 1500)
    # The second machine is paid from when it is asked for, and given back after its last node.
    assert beside.credits == pytest.approx(RATE * (900 + 720))


def test_a_pool_that_waits_for_another_ones_node_is_suspended_meanwhile():
    """An hour of another pool's work lies between: it starts twice, and rests twice."""
    graph = Work(
        steps=(step("a"), step("long", "a", pool="Q"), step("b", "long")),
        pools={"P": SMALL, "Q": msgspec.structs.replace(SMALL, name="Q")},
    )

    pools = {pool.pool: pool for pool in told(graph, {"a": 600, "long": HOUR, "b": 600}).pools}

    assert pools["P"].machines == 2
    assert pools["P"].idle == pytest.approx(RATE * 600)


def test_a_node_on_several_machines_takes_them_all():
    three = msgspec.structs.replace(SMALL, max_nodes=3)

    found = told(work(step("a", instances=3), pool=three), {"a": 600})

    (node,) = found.nodes
    assert node.credits == pytest.approx(RATE * 1800)


def test_a_node_without_history_is_taken_to_run_until_its_timeout():
    found = told(work(step("a", timeout_seconds=1800.0), step("b", "a")), {"b": 60})

    assert [(node.basis, node.seconds) for node in found.nodes] == [
        ("timeout", 1800.0),
        ("history", 60.0),
    ]


def test_a_rate_that_nobody_published_is_said_to_be_unknown():
    found = told(work(step("a"), pool=Pool(name="P", family="GEN_X64_G2_4")), {"a": 60})

    assert found.credits == 0
    assert found.pools[0].credits is None
    assert found.nodes[0].credits is None
    assert "the rate of GEN_X64_G2_4 (P) is not known" in found.unknown


def test_a_month_counts_the_wait_only_until_the_next_run():
    """Every ten minutes a node of six: the pool is never suspended, and never paid twice."""
    found = told(work(step("a"), schedule="10 MINUTES"), {"a": 360}, start_up_seconds=0)

    assert found.month.runs == pytest.approx(4320)
    assert found.month.credits == pytest.approx(0.11 * 24 * 30)


def test_a_pool_that_is_never_suspended_costs_the_whole_month():
    never = msgspec.structs.replace(SMALL, auto_suspend_seconds=0)
    graph = work(step("a"), pool=never, schedule="USING CRON 0 3 * * * UTC")

    found = told(graph, {"a": 360}, start_up_seconds=0)

    assert found.month.credits == pytest.approx(0.11 * 24 * 30)
    assert any("never suspended" in text for text in found.unknown)


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("60 MINUTES", 720),
        ("1 HOUR", 720),
        ("USING CRON 0 3 * * * UTC", 30),
        ("USING CRON 0 3,15 * * * Europe/Berlin", 60),
        ("USING CRON */30 8-17 * * MON-FRI UTC", 20 * 261 * 30 / 365),
        ("USING CRON 0 0 1 * * UTC", 12 * 30 / 365),
        ("USING CRON 0 0 L * * UTC", 12 * 30 / 365),
        ("USING CRON 0 0 * JAN,JUL * UTC", 62 * 30 / 365),
        ("USING CRON 0 0 * * 0L UTC", 12 * 30 / 365),
        ("USING CRON 0 0 1 * SUN UTC", (52 + 12 - 3) * 30 / 365),
    ],
)
def test_a_schedule_is_counted(schedule, runs):
    found = gaps(schedule, 60)

    assert sum(found.values()) == pytest.approx(runs)
    assert sum(gap * count for gap, count in found.items()) == pytest.approx(30 * 86_400)


def test_a_run_longer_than_its_interval_leaves_runs_out():
    assert dict(gaps("10 MINUTES", 900)) == {1200: pytest.approx(2160)}
    assert dict(gaps("10 MINUTES", 900, overlaps=True)) == {600: pytest.approx(4320)}


@pytest.mark.parametrize("schedule", ["", "USING CRON 0 3 * * 9 UTC", "whenever"])
def test_what_starts_nothing_has_no_month(schedule):
    assert gaps(schedule, 60) is None


@st.composite
def graphs(draw):
    names = [f"n{number}" for number in range(draw(st.integers(1, 8)))]
    steps = tuple(
        step(
            name,
            *draw(st.lists(st.sampled_from(names[:place]), unique=True) if place else st.just([])),
            cpu=draw(st.sampled_from([0.5, 1.0, 2.0, 3.0])),
            instances=draw(st.sampled_from([1, 1, 2])),
        )
        for place, name in enumerate(names)
    )
    pool = msgspec.structs.replace(
        SMALL,
        min_nodes=draw(st.integers(1, 2)),
        max_nodes=draw(st.integers(2, 4)),
        auto_suspend_seconds=draw(st.sampled_from([0, 60, 600])),
    )
    return work(*steps, pool=pool), {name: draw(st.floats(1, 900)) for name in names}


@given(graphs())
def test_a_run_in_thought_keeps_the_order_the_room_and_the_pools_limit(found):
    graph, seconds = found

    run = simulate(graph, seconds, rates.shipped(), start_up_seconds=120)

    began, ended = {}, {}
    for machine in run.machines:
        assert machine.start + machine.start_up >= 0
        for each in machine.containers:
            began[each.node] = min(began.get(each.node, each.start), each.start)
            ended[each.node] = max(ended.get(each.node, each.end), each.end)
            assert machine.start + machine.start_up <= each.start
            assert each.end <= machine.busy_until
            together = [
                other
                for other in machine.containers
                if other.start <= each.start < other.end
            ]  # fmt: skip
            assert sum(other.weight for other in together) <= 1 + 1e-6
    assert began.keys() == {each.node for each in graph.steps}
    for each in graph.steps:
        assert all(ended[name] <= began[each.node] for name in each.after)
    for machine in run.machines:
        up = [one for one in run.machines if one.start <= machine.start < one.busy_until]
        assert len(up) <= graph.pools["P"].max_nodes


@given(graphs())
def test_nodes_start_up_and_idle_are_the_pools_credits(found):
    graph, seconds = found

    cost = told(graph, seconds)

    for pool in cost.pools:
        assert pool.busy + pool.start_up + pool.idle == pytest.approx(pool.credits)
        assert pool.idle >= -1e-9
    nodes = sum(node.credits for node in cost.nodes)
    assert nodes == pytest.approx(sum(pool.busy for pool in cost.pools))


def test_the_graph_in_an_account_costs_what_the_manifest_says():
    manifest, target = projects.rich(), projects.target(**projects.RICH_TARGET)
    desired = compile_desired(manifest, target)

    of_objects = works.of_objects(desired.objects, desired.root)
    of_manifest = works.of_manifest(manifest, target)

    for ours, theirs in zip(of_manifest.steps, of_objects.steps, strict=True):
        assert ours.node == theirs.node
        assert (ours.pool, ours.timeout_seconds) == (theirs.pool, theirs.timeout_seconds)
        assert (ours.cpu, ours.memory_gib) == (theirs.cpu, theirs.memory_gib)
    assert of_objects.schedule == of_manifest.schedule
    assert of_objects.pools.keys() == of_manifest.pools.keys()


def test_the_middle_and_the_ninth_of_ten_are_told():
    found = duration([float(number) for number in range(1, 12)])

    assert (found.median, found.p90, found.count) == (6.0, 10.0, 11)


def test_own_rates_are_laid_over_the_shipped_ones():
    own = {"as_of": "2026-10-01", "families": {"GEN_X64_G2_4": {"credits": 0.2}}}

    found = rates.laid_over(own, "rates.yml")

    assert (found.as_of, found.source) == ("2026-10-01", "rates.yml")
    assert found.of_pool("GEN_X64_G2_4") == 0.2
    assert found.families["GEN_X64_G2_4"].cpu == 3
    assert found.of_pool("CPU_X64_S") == 0.11


@pytest.mark.parametrize(
    "own",
    [{}, {"as_of": "2026", "families": {"X": {"credits": -1}}}, {"as_of": "2026", "famly": {}}],
)
def test_rates_that_cannot_be_are_refused_by_name(own):
    with pytest.raises(SettingsError, match=r"rates\.yml"):
        rates.laid_over(own, "rates.yml")
