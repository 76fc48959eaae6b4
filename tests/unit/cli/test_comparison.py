"""Two runs side by side, from their records alone."""

import msgspec

from sf_ml_framework.cli.comparison import Change, Difference, compare
from sf_ml_framework.run.records import NodeKey, Reason
from tests.unit.cli.records import node_run, run_record, saved

FUNCTIONS = {"make": "shop:make"}


def test_a_run_and_itself_do_not_differ():
    run, nodes = run_record(), [node_run("make", metrics={"auc": 0.8})]

    found = compare(run, nodes, run, nodes, FUNCTIONS)

    assert found.same
    assert not any(msgspec.to_builtins(found).values())


def test_what_decides_a_node_is_compared_part_by_part():
    old = NodeKey(
        scheme=1,
        code={"shop:make": "a"},
        params={"cap": 9},
        inputs={"rows": "raw@v1#11"},
        libraries={"pandas": "2.3.3"},
    )
    new = NodeKey(
        scheme=1,
        code={"shop:make": "b"},
        params={"cap": 10},
        inputs={"rows": "raw@v1#22"},
        libraries={"pandas": "2.4.0"},
    )

    found = compare(run_record(), [node_run(key=old)], run_record(), [node_run(key=new)], FUNCTIONS)

    assert found.changes == (
        Change(node="make", kind="code_changed", detail="shop:make (the node's own function)"),
        Change(node="make", kind="params_changed", detail="cap: 9 → 10"),
        Change(node="make", kind="input_changed", detail="raw@v1"),
        Change(node="make", kind="library_changed", detail="pandas: 2.3.3 → 2.4.0"),
    )
    assert not found.same


def test_metrics_that_moved_are_told_with_by_how_much():
    before = [node_run("judge", metrics={"auc": 0.75, "rows": 10, "name": "a", "good": True})]
    after = [node_run("judge", metrics={"auc": 0.875, "rows": 10, "name": "b", "good": False})]

    found = compare(run_record(), before, run_record(), after, {})

    assert found.metrics == (
        Difference(node="judge", name="auc", before=0.75, after=0.875, delta=0.125),
        Difference(node="judge", name="name", before="a", after="b"),
        Difference(node="judge", name="good", before=True, after=False),
    )


def test_every_output_that_came_out_otherwise_is_told():
    """Two outputs of one node: comparing the first must not spoil the second."""
    before = [node_run(outputs=(saved("a", content="1"), saved("b", content="1")))]
    after = [node_run(outputs=(saved("a", content="2"), saved("b", content="2", rows=7)))]

    found = compare(run_record(), before, run_record(), after, {})

    assert [(each.name, each.before["rows"], each.after["rows"]) for each in found.outputs] == [
        ("a", 1000, 1000),
        ("b", 1000, 7),
    ]


def test_a_node_that_failed_has_no_metrics_to_compare():
    before = [node_run("judge", metrics={"auc": 0.8})]
    after = [node_run("judge", status="failed", error="no", outputs=())]

    found = compare(run_record(), before, run_record(), after, {})

    assert found.metrics == found.outputs == ()
    assert found.statuses == (
        Difference(node="judge", name="status", before="succeeded", after="failed"),
    )
    assert not found.same


def test_a_node_that_was_never_begun_was_not_run():
    after = [node_run(status="cancelled", reason=Reason(kind="not_started"), outputs=(), key=None)]

    found = compare(run_record(), [node_run()], run_record(), after, {})

    assert found.statuses[0].after == "not run"


def test_skipped_is_as_good_as_succeeded():
    after = [node_run(status="skipped", reason=Reason(kind="unchanged"))]

    assert compare(run_record(), [node_run()], run_record(), after, {}).same


def test_nodes_of_one_run_alone_are_named():
    found = compare(
        run_record(),
        [node_run("make"), node_run("old")],
        run_record(),
        [node_run("make"), node_run("new")],
        {},
    )

    assert (found.only_first, found.only_second) == (("old",), ("new",))
    assert found.changes == ()


def test_what_was_around_a_run_is_told_and_makes_no_difference():
    before = run_record(git_commit="a" * 40, settings={"format": "csv", "workers": 0})
    after = run_record(
        git_commit="a" * 40, git_dirty=True, settings={"format": "parquet", "workers": 0}
    )

    found = compare(before, [], after, [], {})

    assert [each.name for each in found.environment] == ["commit", "settings.format"]
    assert found.same
