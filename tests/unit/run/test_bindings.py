import pytest

from sf_ml_framework.errors import UnknownNameError, UsageError
from sf_ml_framework.run.bindings import bind, looks_like_path, resolve
from sf_ml_framework.run.overrides import Overrides, parse
from tests.integration.run.running import Project

ALL = ("make", "clean", "train")


@pytest.fixture
def project(tmp_path):
    """make -> raw -> clean -> tidy -> train -> model."""
    made = Project(tmp_path)
    made.node(
        "make",
        outputs="raw",
        params={"rows": 100, "seed": 1, "name": "x"},
        param_types={"rows": "integer", "seed": "integer|null", "name": "string"},
    )
    made.node(
        "clean",
        inputs={"customers": "raw"},
        outputs={"table": "tidy", "stats": "statistics"},
        params={"cap": 0.9, "seed": 1},
        param_types={"cap": "number", "seed": "integer"},
    )
    made.dataset("model", kind="model", version="v3")
    made.dataset("source", path="given/source.json")
    made.node("train", inputs={"table": "tidy"}, outputs="model", kind="model")
    return made


def bound(project, nodes=ALL, **texts):
    return bind(project.manifest, nodes, parse(**texts))


def test_without_overrides_a_node_is_filled_as_declared(project):
    clean = bound(project)["clean"]

    assert clean.params == {"cap": 0.9, "seed": 1}
    assert [(each.argument, each.dataset, each.version) for each in clean.inputs] == [
        ("customers", "raw", "current")
    ]
    assert [(each.key, each.dataset, each.version) for each in clean.outputs] == [
        ("table", "tidy", "v1.0.0"),
        ("stats", "statistics", "v1.0.0"),
    ]


def test_a_bare_name_reaches_every_node_that_has_it(project):
    found = bound(project, inputs='{"seed": 7}')

    assert found["make"].params["seed"] == 7
    assert found["clean"].params["seed"] == 7


def test_an_addressed_name_reaches_its_node_alone(project):
    found = bound(project, inputs='{"clean.seed": 7}')

    assert found["make"].params["seed"] == 1
    assert found["clean"].params["seed"] == 7


@pytest.mark.parametrize(
    ("text", "dataset", "version"),
    [
        ("raw@v1.2.0", "raw", "v1.2.0"),
        ("raw", "raw", "current"),
        ("statistics@latest", "statistics", "latest"),
        ("@v9", "raw", "v9"),
        ("other/file.csv", "raw", "other/file.csv"),
        ("/home/me@work/file", "raw", "/home/me@work/file"),
        ("plain.parquet", "raw", "plain.parquet"),
    ],
)
def test_an_argument_is_bound_to_a_dataset_a_version_or_a_file(project, text, dataset, version):
    clean = bind(project.manifest, ["clean"], Overrides(inputs={"customers": text}))["clean"]

    assert [(each.dataset, each.version) for each in clean.inputs] == [(dataset, version)]


def test_an_output_is_bound_by_its_key_or_its_dataset(project):
    by_key = bound(project, outputs='{"table": "tidy@v2"}')["clean"]
    by_name = bound(project, outputs='{"tidy": "tidy@v2"}')["clean"]

    assert by_key == by_name
    assert by_key.outputs[0].version == "v2"


def test_what_a_node_writes_elsewhere_is_read_there(project):
    """The run that writes a new version goes on with it."""
    found = bound(project, outputs='{"make.raw": "raw@v2"}')

    assert found["clean"].inputs[0].version == "v2"


def test_an_input_that_names_its_version_does_not_follow(project):
    found = bound(project, inputs='{"customers": "raw@v1.0.0"}', outputs='{"make.raw": "raw@v2"}')

    assert found["clean"].inputs[0].version == "v1.0.0"


@pytest.mark.parametrize(
    ("texts", "told", "remedy"),
    [
        ({"inputs": '{"rowz": 1}'}, "no parameter or input", "did you mean 'rows'?"),
        ({"inputs": '{"make.rowz": 1}'}, "of node 'make' is named 'rowz'", "'rows'"),
        ({"inputs": '{"rows": "many"}'}, "'rows' of 'make' is \"many\"", "integer"),
        ({"inputs": '{"rows": true}'}, "is true", "integer"),
        ({"inputs": '{"rows": 1.5}'}, "is 1.5", "integer"),
        ({"inputs": '{"customers": 5}'}, "names no dataset", "'raw@v1.2.0'"),
        ({"inputs": '{"customers": "raww@v1"}'}, "no dataset is named 'raww'", "'raw'"),
        ({"inputs": '{"customers": "raw@!"}'}, "whose version cannot be", "letter or digit"),
        ({"inputs": '{"customers": "model"}'}, "is the model 'model'", "kind document"),
        ({"outputs": '{"rav": "raw@v2"}'}, "no output of a selected node is named 'rav'", "'raw'"),
        ({"outputs": '{"raw": "raw@latest"}'}, "cannot go to 'raw@latest'", "a version"),
        ({"outputs": '{"raw": "x/y.csv"}'}, "cannot go to 'x/y.csv'", "a version"),
        ({"outputs": '{"raw": "source"}'}, "cannot go to 'source'", "that nodes make"),
        ({"outputs": '{"raw": "tidy"}'}, "tidy@v1.0.0 would be written twice", "of its own"),
        ({"params": ["customers=raw@v2"]}, "no parameter of a selected node", "known: "),
        ({"params": ["rows=many"]}, "'rows' of 'make' is \"many\"", "integer"),
    ],
)
def test_an_override_that_cannot_be_is_refused(project, texts, told, remedy):
    with pytest.raises(UsageError) as caught:
        bound(project, **texts)

    assert told in str(caught.value)
    assert remedy in caught.value.remedy


def test_an_override_for_a_node_that_does_not_run_is_refused(project):
    with pytest.raises(UsageError, match="not among those that run"):
        bound(project, nodes=("clean",), inputs='{"make.rows": 1}')


def test_a_name_that_no_selected_node_has_is_refused(project):
    with pytest.raises(UnknownNameError):
        bound(project, nodes=("clean", "train"), inputs='{"rows": 1}')


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("rows=5", "rows", 5),
        ("name=5", "name", "5"),
        ("name=null", "name", "null"),
        ("make.seed=null", "seed", None),
    ],
)
def test_a_typed_parameter_is_read_as_the_node_asks_for_it(project, text, name, value):
    assert bound(project, params=[text])["make"].params[name] == value


def test_a_node_that_takes_plain_dicts_accepts_further_keys(tmp_path):
    project = Project(tmp_path)
    project.node("free", reserved=("inputs", "outputs"), params={"rows": 1})
    project.node("strict", params={"rows": 1})

    found = bind(
        project.manifest,
        ["free", "strict"],
        Overrides(inputs={"version": "v1.2.0", "rows": 2}, outputs={"view": "features"}),
    )

    assert found["free"].more_inputs == {"version": "v1.2.0"}
    assert found["free"].more_outputs == {"view": "features"}
    assert found["free"].params == found["strict"].params == {"rows": 2}
    assert found["free"].deciding_params == {
        "rows": 2,
        "inputs.version": "v1.2.0",
        "outputs.view": "features",
    }


def test_versions_are_resolved_by_the_place(project):
    datasets = {each.name: each for each in project.manifest.datasets}
    clean = resolve(bound(project)["clean"], datasets, project.place)

    assert clean.inputs[0].version == "v1.0.0"


def test_a_path_is_told_from_a_version():
    assert looks_like_path("a/b")
    assert looks_like_path("customers.CSV")
    assert not looks_like_path("v1.2.0")
