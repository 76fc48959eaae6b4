"""A declaration becomes the manifest, or all of its faults are told with place and remedy."""

from pathlib import Path

import pytest

from sf_ml_framework import Column, DataCatalog, Dataset, NodeConfig, Project
from sf_ml_framework.errors import ManifestError
from sf_ml_framework.manifest.build import build
from sf_ml_framework.manifest.codec import decode, encode
from sf_ml_framework.manifest.model import InputSpec, OutputSpec, Resources
from sf_ml_framework.quantities import PoolSize
from tests.unit.manifest import nodes_for_tests as functions

ROOT = Path(__file__).parent


def built(*nodes, catalog=None, name="shop"):
    if catalog is None:
        names = {text for node in nodes for text in _datasets(node)}
        catalog = [Dataset(name=each) for each in sorted(names)]
    return build(Project(name=name, pipeline=nodes, catalog=DataCatalog(catalog)), ROOT)


def _datasets(node):
    outputs = node.outputs
    made = (
        [outputs]
        if isinstance(outputs, str)
        else list(getattr(outputs, "values", lambda: outputs)())
    )
    return [*made, *(text.partition("@")[0] for text in node.inputs.values())]


def faults_of(*nodes, **options):
    with pytest.raises(ManifestError) as caught:
        built(*nodes, **options)
    return [str(fault) for fault in caught.value.faults]


def make_node(**changes):
    return NodeConfig(**{"name": "make", "function": functions.make, "outputs": "raw", **changes})


def test_a_pipeline_becomes_names_numbers_and_an_order():
    train = NodeConfig(
        name="train",
        function=functions.train,
        inputs={"table": "raw"},
        outputs="model",
        compute_pool_size="LARGE",
        memory_request="8Gi",
        cpu_request="4",
        timeout_minutes=120,
    )

    manifest = built(
        train, make_node(), catalog=[Dataset(name="raw"), Dataset(name="model", kind="model")]
    )

    assert [node.name for node in manifest.nodes] == ["make", "train"]
    node = manifest.node("train")
    assert node.function == "tests.unit.manifest.nodes_for_tests:train"
    assert node.dependencies == ("make",)
    assert node.inputs == (InputSpec(argument="table", dataset="raw", frame="pandas"),)
    assert node.outputs == (OutputSpec(dataset="model"),)
    assert node.resources == Resources(
        pool_size=PoolSize.LARGE,
        memory_bytes=8 * 2**30,
        cpu_millis=4000,
        timeout_seconds=7200,
    )
    assert manifest.producer("model") == node
    assert decode(encode(manifest)) == manifest


def test_defaults_of_the_function_are_parameters_too():
    node = built(make_node(params={"rows": 3})).node("make")

    assert node.params == {"rows": 3, "name": None}
    assert node.param_types == {"rows": "integer", "name": "string|null"}
    assert node.description == "Make the rows."


def test_annotations_say_as_what_an_input_is_loaded_even_under_type_checking():
    clean = NodeConfig(
        name="clean",
        function=functions.clean,
        inputs={"raw": "raw", "statistics": "stats"},
        outputs="done",
    )
    catalog = [
        Dataset(name="raw"),
        Dataset(name="stats", kind="document", path="s.json"),
        Dataset(name="done"),
    ]

    inputs = built(make_node(), clean, catalog=catalog).node("clean").inputs

    assert [each.frame for each in inputs] == ["ibis", "dataclass"]
    assert inputs[1].dataclass == "tests.unit.manifest.nodes_for_tests:Statistics"


def test_the_four_reserved_names_are_filled_by_the_platform():
    node = built(NodeConfig(name="train_model", function=functions.brief, params={"free": 1})).node(
        "train_model"
    )

    assert node.reserved == ("feature_store", "model_registry", "inputs", "outputs")
    assert node.params == {"free": 1}


def test_a_returned_dict_is_saved_by_key():
    node = built(make_node(outputs={"good": "raw", "bad": "rejected"})).node("make")

    assert node.outputs == (
        OutputSpec(dataset="raw", key="good"),
        OutputSpec(dataset="rejected", key="bad"),
    )


def test_an_input_pinned_to_an_old_version_waits_for_nobody():
    old = NodeConfig(
        name="old", function=functions.train, inputs={"table": "raw@v0.9"}, outputs="model"
    )

    node = built(make_node(), old).node("old")

    assert node.dependencies == ()
    assert node.inputs[0].version == "v0.9"


def test_all_faults_are_reported_together_each_with_its_line_and_remedy():
    faults = faults_of(
        make_node(memory_request="4 Gigs", cpu_request="two", compute_pool_size="HUGE"),
        NodeConfig(name="train", function=functions.train, dependencies=["mkae"]),
    )

    assert len(faults) == 5
    assert "argument 'table' of node 'train' is filled by nothing" in faults[4]
    assert "'4 Gigs' is no quantity of memory" in faults[0]
    assert all(fault.startswith("test_build.py:") for fault in faults)
    assert "did you mean 'make'?" in faults[3]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"params": {"rowz": 1}},
            "the parameter 'rowz', which make() does not take (did you mean 'rows'?)",
        ),
        ({"inputs": {"table": "raw2"}}, "the input 'table', which make() does not take"),
        (
            {"params": {"rows": "ten"}},
            "parameter 'rows' of node 'make' is 'ten' (the function asks for integer)",
        ),
        ({"params": {"rows": True}}, "is True (the function asks for integer)"),
        ({"params": {"name": object()}}, "is a object, which JSON cannot hold"),
        ({"name": "Make It"}, "cannot be named so"),
        ({"name": "order"}, "reserved word"),
        ({"timeout_minutes": 0}, "has timeout_minutes 0"),
        ({"timeout_minutes": "60"}, "has timeout_minutes '60'"),
        ({"retries": -1}, "has retries -1"),
        ({"target_instances": 0}, "has target_instances 0"),
        ({"dependencies": ["make"]}, "nodes wait for each other: make -> make"),
        ({"function": lambda: None}, "cannot be found by name"),
        ({"function": "make"}, "has the function 'make', which is none"),
    ],
)
def test_a_wrong_node_is_refused_and_the_reason_told(changes, told):
    faults = faults_of(make_node(**changes))

    assert any(told in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "my-data"}, "cannot be named so"),
        ({"kind": "tabel"}, "has the kind 'tabel' (did you mean 'table'?)"),
        ({"version": "v 1"}, "has the version 'v 1'"),
        ({"refresh_freq": "often"}, "has the refresh_freq 'often'"),
        ({"columns": (Column(name="ID", type="integer"),)}, "lower-case"),
        ({"columns": (Column(name="id", type="int64"),)}, "has the type 'int64'"),
        ({"columns": (Column(name="id", type="integer"),) * 2}, "is declared twice"),
        (
            {"columns": (Column(name="id", type="integer", minimum=2, maximum=1),)},
            "lies between 2 and 1",
        ),
        (
            {"columns": (Column(name="id", type="integer"),), "join_keys": ("idd",)},
            "has no column 'idd'",
        ),
    ],
)
def test_a_wrong_dataset_is_refused_and_the_reason_told(changes, told):
    dataset = Dataset(**{"name": "raw", **changes})

    faults = faults_of(make_node(), catalog=[dataset, Dataset(name="raw")])

    assert any(told in fault for fault in faults), faults


def test_a_cycle_is_named():
    first = NodeConfig(name="first", function=functions.train, inputs={"table": "b"}, outputs="a")
    second = NodeConfig(name="second", function=functions.train, inputs={"table": "a"}, outputs="b")

    faults = faults_of(first, second)

    assert "first -> second -> first" in faults[0] or "second -> first -> second" in faults[0]


def test_a_dependency_against_the_data_is_a_contradiction():
    make = make_node(dependencies=["train"])
    train = NodeConfig(
        name="train", function=functions.train, inputs={"table": "raw"}, outputs="model"
    )

    faults = faults_of(make, train)

    assert faults[0].endswith(
        "node 'make' depends on 'train', but 'train' reads what 'make' makes"
        " (take the dependency away, or turn the datasets round)"
    )
    assert len(faults) == 1


def test_a_dataset_has_one_producer():
    assert (
        "dataset 'raw' is made by 'make' and 'again'"
        in faults_of(make_node(), make_node(name="again"))[0]
    )


def test_a_dataset_that_is_read_has_a_producer_or_a_path():
    train = NodeConfig(
        name="train", function=functions.train, inputs={"table": "raw"}, outputs="model"
    )

    assert "is made by no node" in faults_of(train)[0]
    catalog = [Dataset(name="raw", path="raw.csv"), Dataset(name="model", kind="model")]
    assert built(train, catalog=catalog).producer("raw") is None


def test_a_source_is_made_by_no_node():
    assert "is a source" in faults_of(make_node(), catalog=[Dataset(name="raw", path="raw.csv")])[0]


def test_a_dataset_that_the_catalog_lacks_names_the_nearest():
    faults = faults_of(make_node(outputs="rwa"), catalog=[Dataset(name="raw")])

    assert (
        "names the dataset 'rwa', which the catalog does not have (did you mean 'raw'?)"
        in faults[0]
    )


def test_an_annotation_that_no_table_can_be_loaded_as_is_told():
    odd = NodeConfig(name="strange", function=functions.odd, inputs={"table": "raw"})

    assert (
        "annotated 'builtins.set', as which a table cannot be loaded"
        in faults_of(make_node(), odd)[0]
    )


def test_a_node_declared_twice_names_the_first():
    assert (
        "node 'make' is declared twice (the first is at test_build.py:"
        in faults_of(make_node(), make_node())[0]
    )


def test_an_argument_with_neither_default_nor_value_is_told():
    node = NodeConfig(name="untyped", function=functions.untyped, inputs={"table": "raw"})

    assert (
        "argument 'size' of node 'untyped' is filled by nothing" in faults_of(make_node(), node)[0]
    )
