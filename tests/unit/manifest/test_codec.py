"""The manifest survives its own text, and one manifest has one text."""

import builtins
import json
import types
import typing
from enum import Enum
from typing import Any, get_args, get_origin

import hypothesis.strategies as st
import pytest
from hypothesis import given
from msgspec.structs import fields, replace

from sf_ml_framework.errors import SettingsError
from sf_ml_framework.manifest.codec import decode, encode
from sf_ml_framework.manifest.model import FORMAT, Manifest

names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
finite = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers(-(2**60), 2**60)
texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | integers | finite | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
LEAVES = {
    str: texts | names,
    int: integers,
    float: finite,
    bool: st.booleans(),
    type(None): st.none(),
    Any: values,
}


def of_type(wanted):
    """Return what generates values of a field's type: a field that is new is generated too."""
    match get_origin(wanted), get_args(wanted):
        case (typing.Literal, choices):
            return st.sampled_from(choices)
        case ((types.UnionType | typing.Union), members):
            return st.one_of(*map(of_type, members))
        case (builtins.tuple, (member, _)):
            return st.lists(of_type(member), max_size=3).map(tuple)
        case (builtins.dict, (key, value)):
            return st.dictionaries(of_type(key), of_type(value), max_size=3)
    if wanted in LEAVES:
        return LEAVES[wanted]
    if issubclass(wanted, Enum):
        return st.sampled_from(wanted)
    return st.builds(wanted, **{field.name: of_type(field.type) for field in fields(wanted)})


def manifests():
    return of_type(Manifest).map(lambda manifest: replace(manifest, format=FORMAT))


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
