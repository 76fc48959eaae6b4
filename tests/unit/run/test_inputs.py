import pytest

from sf_ml_framework.errors import DataError, UsageError
from sf_ml_framework.run.bindings import bind
from sf_ml_framework.run.inputs import check_present, edges_of_run
from sf_ml_framework.run.overrides import Overrides
from tests.integration.run.running import Project


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.dataset("given", path="input/given.json", version="v1.0.0")
    made.node("make", outputs="raw")
    made.node("clean", inputs={"customers": "raw"}, outputs="tidy")
    made.node("both", inputs={"left": "raw", "right": "tidy"}, outputs="joined")
    made.node("other", inputs={"source": "given"}, outputs="copied")
    return made


def bound(project, *nodes, **overrides):
    return bind(project.manifest, nodes, Overrides(**overrides))


def test_a_node_waits_for_those_of_the_run_alone(project):
    edges = edges_of_run(project.manifest, bound(project, "clean", "both"))

    assert edges == {"clean": (), "both": ("clean",)}


def test_an_override_lets_a_node_wait_for_who_makes_what_it_now_reads(project):
    found = bound(project, "make", "clean", "both", "other", inputs={"clean.customers": "copied"})

    assert edges_of_run(project.manifest, found)["clean"] == ("make", "other")


def test_nodes_that_wait_for_each_other_are_refused(project):
    found = bound(project, "make", "clean", "both", inputs={"clean.customers": "joined"})

    with pytest.raises(UsageError, match=r"clean -> both -> clean|both -> clean -> both"):
        edges_of_run(project.manifest, found)


def test_a_node_that_overwrites_what_it_reads_does_not_wait_for_itself(project):
    found = bound(project, "clean", inputs={"customers": "tidy"})

    assert edges_of_run(project.manifest, found) == {"clean": ()}
    with pytest.raises(DataError, match=r"tidy@v1\.0\.0"):
        check_present(project.manifest, found, project.place)


def test_what_no_node_of_the_run_makes_must_be_there(project):
    with pytest.raises(DataError) as caught:
        check_present(project.manifest, bound(project, "clean", "both"), project.place)

    assert str(caught.value) == "input 'customers' of node 'clean' is missing: raw@v1.0.0"
    assert caught.value.remedy == "make makes it: `mlops run --nodes make`"


def test_all_that_is_missing_is_told_with_all_who_make_it(project):
    with pytest.raises(DataError) as caught:
        check_present(project.manifest, bound(project, "both"), project.place)

    assert "'left' of node 'both' is missing: raw@v1.0.0" in str(caught.value)
    assert "'right' of node 'both' is missing: tidy@v1.0.0" in str(caught.value)
    assert caught.value.remedy == "make, clean make it: `mlops run --nodes make --nodes clean`"


@pytest.mark.parametrize(
    ("nodes", "inputs", "told", "remedy"),
    [
        (["other"], {}, "missing: given@v1.0.0", "put a whole file at input/given.json"),
        (["clean"], {"customers": "raw@v9"}, "missing: raw@v9", "the current one is v1.0.0"),
        (["clean"], {"customers": "a/b.csv"}, "missing: a/b.csv", "a whole file at a/b.csv"),
        (["clean"], {"customers": "raw@latest"}, "'customers' of 'clean'", "run the node"),
    ],
)
def test_the_remedy_fits_what_is_missing(project, nodes, inputs, told, remedy):
    with pytest.raises(DataError) as caught:
        check_present(project.manifest, bound(project, *nodes, inputs=inputs), project.place)

    assert told in str(caught.value)
    assert remedy in caught.value.remedy


def test_half_an_input_is_told_apart_from_none(project):
    file = project.root / "data" / "raw" / "v1.0.0.pkl"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"half")

    with pytest.raises(DataError, match=r"is damaged: raw@v1\.0\.0"):
        check_present(project.manifest, bound(project, "clean"), project.place)


def test_what_stands_is_not_complained_about(project):
    datasets = {each.name: each for each in project.manifest.datasets}
    project.place.save(datasets["raw"], "v1.0.0", {})

    check_present(project.manifest, bound(project, "clean", "both"), project.place)
