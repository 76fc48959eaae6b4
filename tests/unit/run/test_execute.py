import functools
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from sf_ml_framework import Report
from sf_ml_framework.errors import DataError, NodeError
from sf_ml_framework.run import execute
from sf_ml_framework.run.bindings import bind, resolve
from sf_ml_framework.run.outcome import Failure, LoadingError, Outcome, ResultError
from sf_ml_framework.run.overrides import Overrides
from tests.integration.run.running import Project

# What the nodes below are called with, for the tests to look at.
CALLS = []


@pytest.fixture(autouse=True)
def _forget():
    CALLS.clear()


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def run(project, name, *, once=execute.execute, **overrides):
    datasets = {each.name: each for each in project.manifest.datasets}
    bindings = bind(project.manifest, [name], Overrides(**overrides))[name]
    bindings = resolve(bindings, datasets, project.place)
    return once(project.manifest.node(name), bindings, datasets, project.place)


def declare(project, function, **rest):
    project.node(function.__name__, function=f"{__name__}:{function.__qualname__}", **rest)
    return function.__name__


def stored(project, dataset, version="v1.0.0"):
    spec = project.datasets[dataset]
    return project.place.load(spec, version, frame="any")


def adds(left, right, *, factor=1):
    return {"sum": (left["n"] + right["n"]) * factor}


def test_arguments_are_filled_by_name_and_the_value_is_saved(project):
    name = declare(
        project,
        adds,
        inputs={"left": "one", "right": "two@v2"},
        outputs="total",
        params={"factor": 10},
    )
    project.place.save(project.datasets["one"], "v1.0.0", {"n": 1})
    project.place.save(project.datasets["two"], "v2", {"n": 2})

    outcome = run(project, name)

    assert stored(project, "total") == {"sum": 30}
    assert [(each.dataset, each.version) for each in outcome.outputs] == [("total", "v1.0.0")]


def takes_reserved(feature_store, model_registry, inputs, outputs):
    CALLS.append((feature_store, model_registry, inputs, outputs))


def test_the_reserved_arguments_are_the_place_s_objects_and_plain_dicts(project):
    name = declare(
        project,
        takes_reserved,
        inputs={"customers": "raw"},
        outputs="total",
        params={"num_customers": 5},
        reserved=("feature_store", "model_registry", "inputs", "outputs"),
    )

    with pytest.raises(ResultError, match="returned nothing"):
        run(
            project,
            name,
            inputs={"version": "v1.2.0", "num_customers": 7, "customers": "raw@v2"},
            outputs={"total": "total@v3", "view": "features"},
        )

    assert CALLS == [
        (
            None,
            None,
            {"customers": "raw@v2", "num_customers": 7, "version": "v1.2.0"},
            {"total": "total@v3", "view": "features"},
        )
    ]


def takes_anything(**given):
    CALLS.append(given)


def test_a_function_that_takes_anything_gets_everything(project):
    name = declare(project, takes_anything, inputs={"table": "raw"}, params={"k": 1})
    project.place.save(project.datasets["raw"], "v1.0.0", "rows")

    run(project, name)

    assert CALLS == [{"table": "rows", "k": 1}]


def logged(function):
    @functools.wraps(function)
    def wrapper(*arguments, **named):
        return function(*arguments, **named)

    return wrapper


@logged
def decorated(table, *, k=1):
    CALLS.append((table, k))


class Group:
    @classmethod
    def method(cls, table, *, k=1):
        CALLS.append((table, k))


@pytest.mark.parametrize("function", ["decorated", "Group.method"])
def test_a_function_that_is_wrapped_or_bound_gets_what_it_takes(project, function):
    project.node(
        "one", function=f"{__name__}:{function}", inputs={"table": "raw"}, params={"k": 5, "z": 1}
    )
    project.place.save(project.datasets["raw"], "v1.0.0", "rows")

    run(project, "one")

    assert CALLS == [("rows", 5)]


def gives_two():
    return {"n": 1}, {"n": 2}


def gives_keys():
    return {"left": 1, "right": 2}


def test_a_tuple_is_saved_in_order(project):
    run(project, declare(project, gives_two, outputs=["first", "second"]))

    assert stored(project, "first") == {"n": 1}
    assert stored(project, "second") == {"n": 2}


def test_a_dict_is_saved_by_key_wherever_it_is_bound(project):
    name = declare(project, gives_keys, outputs={"right": "b", "left": "a"})

    run(project, name, outputs={"left": "a@v2"})

    assert stored(project, "a", "v2") == 1
    assert stored(project, "b") == 2


def gives_nothing():
    return None


def gives_a_half():
    return {"n": 1}, None


def gives_one():
    return {"n": 1}


@pytest.mark.parametrize(
    ("function", "outputs", "told"),
    [
        (gives_nothing, "a", "returned nothing, and its outputs ask for 'a'"),
        (gives_one, ["a", "b"], "a dict with the keys 'n', and its outputs ask for 2 values"),
        (
            gives_two,
            ["a", "b", "c"],
            "returned 2 values, and its outputs ask for 3 values, 'a', 'b'",
        ),
        (
            gives_two,
            {"left": "a"},
            "returned 2 values, and its outputs ask for a dict with the keys",
        ),
        (
            gives_keys,
            {"left": "a"},
            "with the keys 'left', 'right', and its outputs ask for a dict",
        ),
        (gives_keys, {"left": "a", "up": "b"}, "a dict with the keys 'left', 'up'"),
        (gives_a_half, ["a", "b"], "returned None for 'b'"),
    ],
)
def test_what_does_not_fit_the_outputs_is_told_and_nothing_is_saved(
    project, function, outputs, told
):
    name = declare(project, function, outputs=outputs)

    with pytest.raises(ResultError) as caught:
        run(project, name)

    assert told in str(caught.value)
    assert repr(name) in str(caught.value)
    assert not (project.root / "data").exists()


def fails():
    return 1 / 0


def test_an_error_of_the_author_is_shown_with_the_author_s_frames_alone(project):
    with pytest.raises(NodeError) as caught:
        run(project, declare(project, fails))

    assert caught.value.kind == "ZeroDivisionError"
    assert str(caught.value) == "node 'fails' failed: ZeroDivisionError: division by zero"
    assert "return 1 / 0" in caught.value.trace
    assert "/execute.py" not in caught.value.trace


def leaves():
    sys.exit("enough")


def test_a_node_that_calls_sys_exit_fails_with_what_it_said(project):
    with pytest.raises(NodeError, match=r"called sys\.exit\('enough'\)"):
        run(project, declare(project, leaves))


def lazy():
    return lambda: 1 / 0


def test_what_fails_only_when_it_is_saved_is_the_author_s_too(project):
    """A lazy table is an expression that is computed as it is saved."""
    with pytest.raises(NodeError) as caught:
        run(project, declare(project, lazy, outputs="a"))

    assert "output 'a' of node 'lazy' cannot be made: ZeroDivisionError" in str(caught.value)
    assert "test_execute.py" in caught.value.trace


@pytest.mark.parametrize("function", ["no_such_module:f", f"{__name__}:no_such_function"])
def test_a_function_that_cannot_be_imported_is_told(project, function):
    project.node("lost", function=function)

    with pytest.raises(LoadingError, match="node 'lost' cannot be imported") as caught:
        run(project, "lost")

    assert "/execute.py" not in caught.value.trace


def test_an_input_that_is_not_there_is_no_fault_of_the_author(project):
    name = declare(project, adds, inputs={"left": "one", "right": "two"}, outputs="total")

    with pytest.raises(DataError, match=r"one@v1\.0\.0"):
        run(project, name)


def reports():
    return (
        Report(title="First", metrics={"auc": np.float64(0.9), "rows": np.int64(3), "shared": 1}),
        Report(title="Second", metrics={"shared": 2, "seen": object}),
    )


def test_metrics_of_every_report_are_kept_and_told_apart_on_a_clash(project):
    outcome = run(project, declare(project, reports, outputs=["first", "second"], kind="report"))

    assert outcome.metrics == {
        "auc": 0.9,
        "rows": 3,
        "first.shared": 1,
        "second.shared": 2,
        "seen": "<class 'object'>",
    }
    assert type(outcome.metrics["auc"]) is float


@dataclass
class Answer:
    n: int


def gives_json():
    return {"answer": Answer(1), "list": (1, 2)}


def gives_much():
    return "x" * execute.LARGEST_RETURN_VALUE


def gives_an_object():
    return object()


@pytest.mark.parametrize(
    ("function", "kept"),
    [
        (gives_json, {"answer": {"n": 1}, "list": [1, 2]}),
        (gives_nothing, None),
        (gives_much, None),
        (gives_an_object, None),
    ],
)
def test_what_a_node_without_outputs_returns_is_kept_when_json_can(project, function, kept):
    assert run(project, declare(project, function)).return_value == kept


def test_an_attempt_returns_errors_as_data(project):
    failure = run(project, declare(project, fails), once=execute.attempt)

    assert isinstance(failure, Failure)
    assert (failure.kind, failure.exit_code, failure.retryable) == ("ZeroDivisionError", 1, True)
    assert failure.peak_memory_bytes > 0
    assert failure.seconds > 0


def test_an_attempt_measures_what_it_took(project):
    outcome = run(project, declare(project, gives_one, outputs="a"), once=execute.attempt)

    assert isinstance(outcome, Outcome)
    assert outcome.peak_memory_bytes > 2**20
    assert 0 < outcome.seconds < 60


def wrong_result():
    return 1


@pytest.mark.parametrize(("function", "outputs"), [(wrong_result, ["a", "b"]), (adds, "total")])
def test_what_would_fail_again_the_same_way_is_not_retryable(project, function, outputs):
    inputs = {"left": "one", "right": "two"} if function is adds else {}
    name = declare(project, function, inputs=inputs, outputs=outputs)

    failure = run(project, name, once=execute.attempt)

    assert not failure.retryable


def grows():
    return len(bytearray(200 * 2**20))


def test_the_peak_of_memory_is_that_of_the_node_itself(project):
    before = run(project, declare(project, gives_nothing), once=execute.attempt)
    large = run(project, declare(project, grows), once=execute.attempt)
    after = run(project, "gives_nothing", once=execute.attempt)

    assert large.peak_memory_bytes > before.peak_memory_bytes + 190 * 2**20
    assert after.peak_memory_bytes < large.peak_memory_bytes - 150 * 2**20
