from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.run.schedule import Schedule

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


def test_a_node_begins_when_all_it_waits_for_has_finished():
    schedule = Schedule(DIAMOND)

    assert schedule.take_ready() == ["a"]
    assert schedule.take_ready() == []
    schedule.finish("a")
    assert schedule.take_ready() == ["b", "c"]
    schedule.finish("c")
    assert schedule.take_ready() == []
    schedule.finish("b")
    assert schedule.take_ready() == ["d"]


def test_only_what_needs_a_failed_node_is_blocked():
    schedule = Schedule({**DIAMOND, "e": ["a"]})
    schedule.take_ready()
    schedule.finish("a")

    assert schedule.block("b") == ["d"]
    assert schedule.take_ready() == ["b", "c", "e"]


def test_everything_that_has_not_begun_can_be_blocked():
    schedule = Schedule(DIAMOND)

    assert schedule.block_all() == ["a", "b", "c", "d"]
    assert schedule.take_ready() == []


@st.composite
def graphs(draw):
    names = [f"n{number}" for number in range(draw(st.integers(0, 8)))]
    return {
        name: sorted(draw(st.sets(st.sampled_from(names[:position])))) if position else []
        for position, name in enumerate(names)
    }


@given(graphs(), st.randoms(use_true_random=False), st.data())
def test_every_node_begins_once_after_its_own_or_is_blocked(edges, random, data):
    failing = set(data.draw(st.lists(st.sampled_from(sorted(edges) or ["-"]))))
    schedule = Schedule(edges)
    begun, finished, blocked = [], set(), set()
    running = schedule.take_ready()
    while running:
        name = running.pop(random.randrange(len(running)))
        begun.append(name)
        assert set(edges[name]) <= finished
        if name in failing:
            blocked.update(schedule.block(name))
        else:
            finished.add(name)
            schedule.finish(name)
        running += schedule.take_ready()

    assert len(begun) == len(set(begun))
    assert {*begun, *blocked} == set(edges)
    assert not blocked & set(begun)
