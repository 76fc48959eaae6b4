"""The manifest survives its own text, and one manifest has one text."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from sf_ml_framework.errors import SettingsError
from sf_ml_framework.manifest.codec import decode, encode
from sf_ml_framework.manifest.model import FORMAT, Manifest

names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | finite | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
places = st.text(max_size=20)


def manifests():
    from sf_ml_framework.manifest import model

    columns = st.builds(
        model.ColumnSpec,
        name=names,
        type=st.sampled_from(["integer", "string", "decimal(10,2)"]),
        nullable=st.booleans(),
        minimum=st.none() | finite | st.integers(-10, 10) | st.text(max_size=5),
        allowed=st.lists(st.text(max_size=5) | st.integers(0, 5) | st.booleans(), max_size=3).map(
            tuple
        ),
    )
    datasets = st.builds(
        model.DatasetSpec,
        name=names,
        kind=st.sampled_from(["table", "model", "report", "document"]),
        description=st.text(max_size=20),
        join_keys=st.lists(names, max_size=2).map(tuple),
        columns=st.lists(columns, max_size=3).map(tuple),
        place=places,
    )
    nodes = st.builds(
        model.NodeSpec,
        name=names,
        function=names,
        inputs=st.lists(
            st.builds(
                model.InputSpec,
                argument=names,
                dataset=names,
                frame=st.sampled_from(["ibis", "pandas", "dataclass", "any"]),
            ),
            max_size=2,
        ).map(tuple),
        outputs=st.lists(st.builds(model.OutputSpec, dataset=names, key=names), max_size=2).map(
            tuple
        ),
        params=st.dictionaries(names, values, max_size=3),
        dependencies=st.lists(names, max_size=3).map(tuple),
        resources=st.builds(
            model.Resources,
            pool_size=st.sampled_from(list(model.PoolSize)),
            memory_bytes=st.integers(1, 2**40),
        ),
        retries=st.integers(0, 5),
    )
    return st.builds(
        Manifest,
        format=st.just(FORMAT),
        project=names,
        nodes=st.lists(nodes, max_size=4).map(tuple),
        datasets=st.lists(datasets, max_size=4).map(tuple),
    )


@given(manifests())
def test_decoding_what_was_encoded_gives_the_same_manifest(manifest):
    assert decode(encode(manifest)) == manifest


@given(manifests())
def test_equal_manifests_have_equal_bytes_and_json_reads_them(manifest):
    text = encode(manifest)

    assert encode(decode(text)) == text
    assert json.loads(text)["format"] == FORMAT


def test_another_format_is_refused():
    manifest = Manifest(format=FORMAT + 1, project="p", nodes=(), datasets=())

    with pytest.raises(SettingsError, match=f"has format {FORMAT + 1}"):
        decode(encode(manifest))


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"format": 1}', b"\xff"])
def test_what_is_no_manifest_is_refused(data):
    with pytest.raises(SettingsError, match="no manifest"):
        decode(data)
