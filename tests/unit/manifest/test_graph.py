import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given

from sf_ml_framework.errors import UnknownNameError, UsageError
from sf_ml_framework.manifest import graph
from sf_ml_framework.manifest.model import FORMAT, Manifest, NodeSpec

DIAMOND = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


def manifest_of(edges, tags=None):
    return Manifest(
        format=FORMAT,
        project="p",
        datasets=(),
        nodes=tuple(
            NodeSpec(
                name=name, function="m:f", dependencies=before, tags=(tags or {}).get(name, ())
            )
            for name, before in edges.items()
        ),
    )


@st.composite
def acyclic(draw):
    count = draw(st.integers(1, 12))
    names = [f"n{position}" for position in range(count)]
    edges = {
        name: tuple(sorted(draw(st.sets(st.sampled_from(names[:position]))) if position else ()))
        for position, name in enumerate(names)
    }
    shuffled = draw(st.permutations(names))
    return {name: edges[name] for name in shuffled}


@given(acyclic())
def test_every_node_comes_after_what_it_waits_for(edges):
    order = graph.sort(edges)

    assert sorted(order) == sorted(edges)
    assert all(order.index(other) < order.index(name) for name in edges for other in edges[name])


@given(acyclic())
def test_descendants_are_the_mirror_of_ancestors(edges):
    for name in edges:
        for other in graph.descendants(edges, [name]):
            assert name in graph.ancestors(edges, [other])


def test_a_cycle_is_shown_as_a_path_along_the_data():
    path = graph.cycle({"a": ("c",), "b": ("a",), "c": ("b",)})

    assert path[0] == path[-1]
    assert set(path) == {"a", "b", "c"}
    steps = list(itertools.pairwise(path))
    assert all(step in {("a", "b"), ("b", "c"), ("c", "a")} for step in steps)


def test_a_graph_without_a_cycle_has_none():
    assert graph.cycle(DIAMOND) == []


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({}, ("a", "b", "c", "d")),
        ({"nodes": ["b"]}, ("b",)),
        ({"nodes": ["+b"]}, ("a", "b")),
        ({"nodes": ["b+"]}, ("b", "d")),
        ({"nodes": ["d", "a"]}, ("a", "d")),
        ({"first": ["b"]}, ("b", "d")),
        ({"last": ["c"]}, ("a", "c")),
        ({"first": ["b"], "last": ["b"]}, ("b",)),
        ({"tags": ["slow"]}, ("c",)),
    ],
)
def test_a_part_of_the_graph_is_selected(options, chosen):
    manifest = manifest_of(DIAMOND, {"c": ("slow",)})

    assert graph.select(manifest, **options) == chosen


def test_selecting_an_unknown_node_names_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        graph.select(manifest_of({"train_model": ()}), last=["trian_model"])

    assert caught.value.remedy == "did you mean 'train_model'?"


def test_a_selection_that_leaves_nothing_is_refused():
    with pytest.raises(UsageError, match="leaves no node"):
        graph.select(manifest_of(DIAMOND), first=["d"], last=["a"])
