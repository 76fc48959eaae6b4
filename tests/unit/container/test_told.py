"""A task's return value: JSON of at most 10 kB, whatever the node has to tell."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.container import told
from sf_ml_framework.errors import NodeError, OperatorError
from sf_ml_framework.run.records import NodeRun, Reason, Saved

LONGEST = 10_000


def record(**rest):
    return NodeRun(
        run_id="r1", node="train", status="succeeded", reason=Reason(kind="first_run"), **rest
    )


def read(text):
    assert len(text.encode()) <= LONGEST
    return json.loads(text)


def test_it_tells_how_the_node_ended_what_it_made_and_its_metrics():
    saved = Saved(dataset="raw", version="v1", content="c", rows=5)

    found = read(told.outcome(record(outputs=(saved,), metrics={"auc": 0.9}), LONGEST))

    assert found == {
        "node": "train",
        "run_id": "r1",
        "status": "succeeded",
        "reason": "first_run",
        "detail": "",
        "seconds": 0.0,
        "outputs": {"raw@v1": 5},
        "metrics": {"auc": 0.9},
    }


def test_a_skipped_node_says_since_when_its_results_hold():
    skipped = NodeRun(
        run_id="r2", node="n", status="skipped", reason=Reason(kind="unchanged", detail="since r1")
    )

    found = read(told.outcome(skipped, LONGEST))

    assert (found["status"], found["reason"], found["detail"]) == (
        "skipped",
        "unchanged",
        "since r1",
    )


def test_of_hundreds_of_metrics_the_first_stand_and_the_others_are_counted():
    metrics = {f"genauigkeit_für_straße_{number}_日本": number / 7 for number in range(500)}

    text = told.outcome(record(metrics=metrics), LONGEST)
    found = read(text)

    kept = found["metrics"]
    assert list(kept.items()) == list(metrics.items())[: len(kept)]
    assert len(kept) + found["metrics_left_out"] == 500
    # No room is wasted: one more would not fit.
    assert len(text.encode()) > LONGEST - 100


def test_a_long_error_is_cut_where_a_character_ends():
    error = "日本語" * 10_000

    found = read(told.outcome(record(error=error, remedy="do this", metrics={"a": 1}), LONGEST))

    assert found["error"].endswith("...")
    assert error.startswith(found["error"][:-3])
    assert "metrics" not in found


def test_a_refusal_says_what_to_do_and_who_must():
    error = OperatorError("no", remedy="GRANT SELECT ON TABLE t TO ROLE r;")

    found = read(told.refusal("train", "r1", error, LONGEST))

    assert found["remedy"] == "GRANT SELECT ON TABLE t TO ROLE r;"
    assert found["exit_code"] == 3


def test_a_fault_of_the_framework_is_the_platform_s():
    assert read(told.refusal("n", "r", KeyError("x"), LONGEST))["exit_code"] == 4
    assert read(told.refusal("n", "r", NodeError("x", node="n"), LONGEST))["exit_code"] == 1


def test_half_a_character_does_not_stand_in_the_way():
    assert read(told.outcome(record(error="\udcff"), LONGEST))["error"] == r"\udcff"


VALUES = st.none() | st.booleans() | st.floats() | st.text(max_size=50)


@given(
    st.dictionaries(st.text(max_size=20), VALUES, max_size=30),
    st.text(max_size=400),
    st.integers(120, 3000),
)
def test_it_is_json_that_fits_and_begins_with_what_matters(metrics, error, longest):
    text = told.outcome(record(metrics=metrics, error=error), longest)

    assert len(text.encode()) <= longest
    found = json.loads(text)
    assert (found["node"], found["status"]) == ("train", "succeeded")
    if "metrics_left_out" not in found and "metrics" in found:
        assert found["metrics"].keys() == metrics.keys()


@pytest.mark.parametrize("count", [0, 1])
def test_little_is_told_whole(count):
    found = read(told.outcome(record(metrics={"a": 1.5} if count else {}), LONGEST))

    assert "metrics_left_out" not in found
