"""A layered graph: nothing overlaps, every edge goes forward, and few of them cross."""

from itertools import combinations, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from sf_ml_framework.show.layout import Size, lay_out

BOX = Size(100, 40)


@st.composite
def graphs(draw):
    """Return boxes and edges; an edge leads from an earlier box to a later one."""
    names = [f"n{number}" for number in range(draw(st.integers(1, 9)))]
    pairs = list(combinations(names, 2))
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14)) if pairs else []
    sizes = {name: Size(draw(st.integers(20, 200)), draw(st.integers(20, 60))) for name in names}
    return sizes, edges


@settings(max_examples=80, deadline=None, derandomize=True)
@given(graphs())
def test_no_two_boxes_overlap_and_all_lie_within_the_extent(graph):
    sizes, edges = graph

    layout = lay_out(sizes, edges)

    for name, (along, across) in layout.centres.items():
        size = sizes[name]
        assert along - size.along / 2 >= -0.01
        assert along + size.along / 2 <= layout.extent.along + 0.01
        assert across - size.across / 2 >= -0.01
        assert across + size.across / 2 <= layout.extent.across + 0.01
    for one, other in combinations(sizes, 2):
        a, b = layout.centres[one], layout.centres[other]
        beside = abs(a.across - b.across) >= (sizes[one].across + sizes[other].across) / 2
        behind = abs(a.along - b.along) >= (sizes[one].along + sizes[other].along) / 2
        assert beside or behind


@settings(max_examples=80, deadline=None, derandomize=True)
@given(graphs())
def test_every_edge_goes_forward_from_box_to_box(graph):
    sizes, edges = graph

    layout = lay_out(sizes, edges)

    for start, end in edges:
        route = layout.routes[start, end]
        assert [point.along for point in route] == sorted(point.along for point in route)
        assert layout.centres[start].along < route[0].along
        assert route[-1].along < layout.centres[end].along
        assert route[0].across == layout.centres[start].across
        assert route[-1].across == layout.centres[end].across


def test_edges_that_need_not_cross_do_not():
    edges = [("a", "y"), ("b", "x"), ("c", "z")]

    centres = lay_out(dict.fromkeys("abcxyz", BOX), edges).centres

    for (start, end), (other, far) in combinations(edges, 2):
        before = centres[start].across - centres[other].across
        after = centres[end].across - centres[far].across
        assert before * after > 0


def test_a_chain_is_a_straight_line():
    centres = lay_out(dict.fromkeys("abcd", BOX), [("a", "b"), ("b", "c"), ("c", "d")]).centres

    assert len({round(point.across, 6) for point in centres.values()}) == 1


def test_a_source_stands_close_to_its_reader():
    edges = [("a", "b"), ("b", "c"), ("source", "c")]

    centres = lay_out(dict.fromkeys(["a", "source", "b", "c"], BOX), edges).centres

    assert centres["source"].along == centres["b"].along


def test_an_edge_that_passes_a_layer_goes_round_its_boxes():
    edges = [("a", "b"), ("b", "c"), ("a", "c")]

    layout = lay_out(dict.fromkeys("abc", BOX), edges)

    beside = [p for p in layout.routes["a", "c"] if abs(p.along - layout.centres["b"].along) < 60]
    assert all(abs(p.across - layout.centres["b"].across) > BOX.across / 2 for p in beside)


def test_nothing_needs_no_room():
    assert lay_out({}, []).extent == Size(0, 0)


def test_the_order_of_edges_does_not_matter():
    edges = [("a", "c"), ("b", "d"), ("a", "d"), ("c", "e"), ("d", "e")]
    sizes = dict.fromkeys("abcde", BOX)

    wanted = lay_out(sizes, edges)

    for order in permutations(edges):
        assert lay_out(sizes, list(order)) == wanted, order
