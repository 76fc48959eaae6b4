"""One node of a run that other processes share, on the local place and journal."""

import pytest

from sf_ml_framework.errors import DataError, UnknownNameError, UsageError
from sf_ml_framework.run.interrupts import Stopped
from tests.unit.run.sharing import RUN, Shared

STEPS = """
def make(*, rows: int = 3):
    return {"rows": rows}


def twice(made):
    return {"rows": made["rows"] * 2}


def other(made):
    return {"rows": made["rows"]}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    shared = Shared(tmp_path)
    shared.write(STEPS)
    shared.step("make", outputs="made", params={"rows": 3}, param_types={"rows": "integer"})
    shared.step("twice", inputs={"made": "made"}, outputs="doubled")
    shared.step("other", inputs={"made": "made"}, outputs="copied")
    yield shared
    shared.close()
    shared.place.close()


def test_nodes_of_one_run_are_recorded_under_it_and_do_not_end_it(project):
    project.job_run("make")
    node_run = project.job_run("twice")

    run = project.journal.run(RUN)
    assert node_run.status == "succeeded"
    assert run.status == "running"
    assert run.selection == ("make", "twice", "other")
    assert {name: each.status for name, each in project.recorded().items()} == {
        "make": "succeeded",
        "twice": "succeeded",
    }


def test_what_is_unchanged_is_skipped_and_says_since_when(project):
    project.job_run("make")

    again = project.job_run("make", run_id="run-2")

    assert (again.status, again.reason.kind) == ("skipped", "unchanged")
    assert RUN in again.reason.detail
    assert [saved.dataset for saved in again.outputs] == ["made"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda p: p.write(STEPS.replace("rows: int = 3", "rows: int = 4")), "code_changed"),
        (lambda p: p.place.save(p.datasets["made"], "v1.0.0", {"rows": 9}), "output_damaged"),
    ],
)
def test_what_changed_runs_again_and_says_why(project, change, kind):
    project.job_run("make")
    change(project)

    again = project.job_run("make", run_id="run-2")

    assert (again.status, again.reason.kind) == ("succeeded", kind)


def test_a_parameter_of_the_run_is_a_change(project):
    project.job_run("make")

    again = project.job_run("make", run_id="run-2", inputs={"rows": 5})

    assert again.reason.kind == "params_changed"
    assert again.params == {"rows": 5}


def test_force_runs_what_is_unchanged(project):
    project.job_run("make")

    again = project.job_run("make", run_id="run-2", force=True)

    assert (again.status, again.reason.kind) == ("succeeded", "forced")


def test_a_run_that_is_known_is_joined_and_keeps_how_it_began(project):
    project.job_run("make")
    began = project.journal.run(RUN)

    project.job_run("twice")

    assert project.journal.run(RUN) == began


def test_an_ended_run_goes_on_when_one_of_its_nodes_is_retried(project):
    project.job_run("make", alone=True)
    assert project.journal.run(RUN).status == "succeeded"

    project.job_run("twice")

    assert project.journal.run(RUN).status == "running"


def test_a_run_whose_id_begins_alike_is_another(project):
    project.job_run("make", run_id="run-10")

    project.job_run("make", run_id="run-1")

    assert {each.run_id for each in project.journal.runs()} == {"run-10", "run-1"}


def test_alone_the_run_is_of_this_node_and_ends_with_it(project):
    project.job_run("make", alone=True)

    run = project.journal.run(RUN)
    assert (run.status, run.selection) == ("succeeded", ("make",))
    assert run.libraries == project.recorded()["make"].key.libraries


def test_alone_a_failure_ends_the_run_as_failed(project):
    project.write(STEPS.replace('return {"rows": rows}', "raise ValueError('no')"))

    node_run = project.job_run("make", alone=True)

    assert (node_run.status, node_run.exit_code) == ("failed", 1)
    assert project.journal.run(RUN).status == "failed"


def test_an_input_that_is_not_there_is_refused_and_recorded_with_its_remedy(project):
    with pytest.raises(DataError, match=r"'made' of node 'twice' is missing: made@v1.0.0"):
        project.job_run("twice", alone=True)

    node_run = project.recorded()["twice"]
    assert (node_run.status, node_run.exit_code) == ("failed", 3)
    assert "`mlops run --nodes make`" in node_run.remedy
    assert project.journal.run(RUN).status == "failed"


def test_a_signal_before_the_node_began_is_recorded_as_cancelled(project):
    class Stops:
        """A place that is asked for its inputs when the signal arrives."""

        def __getattr__(self, name):
            return getattr(project.place, name)

        def find(self, *_):
            raise Stopped("SIGTERM")

    job = project.job()
    job.place = Stops()

    with pytest.raises(Stopped):
        job.run("twice", _nothing(), run_id=RUN, alone=True)

    assert project.recorded()["twice"].status == "cancelled"
    assert project.recorded()["twice"].error == "stopped by SIGTERM"
    assert project.journal.run(RUN).status == "cancelled"


def _nothing():
    from sf_ml_framework.run.overrides import Overrides

    return Overrides()


def test_what_one_node_redirects_its_fellows_read_there(project):
    """Each is a process of its own, and all of them get the same overrides."""
    changed = {"outputs": {"make.made": "made@v2"}}
    project.job_run("make", **changed)

    node_run = project.job_run("twice", **changed)

    assert [f"{saved.dataset}@{saved.version}" for saved in node_run.inputs] == ["made@v2"]


@pytest.mark.parametrize("run_id", ["", "../up", "a b", "x" * 101, "a'; drop table t; --", ".x"])
def test_an_id_that_cannot_be_is_refused_before_anything_is_recorded(project, run_id):
    with pytest.raises(UsageError, match="cannot be the id of a run"):
        project.job_run("make", run_id=run_id)

    assert list(project.journal.runs()) == []


def test_a_node_that_is_not_there_names_the_nearest(project):
    with pytest.raises(UnknownNameError) as caught:
        project.job_run("mak")

    assert caught.value.remedy == "did you mean 'make'?"
