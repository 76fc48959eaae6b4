"""What a person changes for one run of a task graph."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.errors import UsageError
from sf_ml_framework.run.graph_config import GraphConfig, decode, encode

TEXTS = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
CONFIGS = st.builds(
    GraphConfig,
    inputs=st.dictionaries(TEXTS, VALUES, max_size=3),
    outputs=st.dictionaries(TEXTS, VALUES, max_size=3),
    params=st.dictionaries(TEXTS, TEXTS, max_size=3),
    force=st.booleans(),
)


@given(CONFIGS)
def test_what_is_written_is_read_again(config):
    assert decode(encode(config)) == config


def test_nothing_changes_nothing():
    assert encode(GraphConfig()) == "{}"
    assert decode("") == decode(None) == decode("{}") == GraphConfig()
    assert not decode("{}").overrides


def test_keys_of_the_project_are_left_alone():
    assert decode('{"depth": {"a": 1}, "force": true}') == GraphConfig(force=True)


def test_a_parameter_that_a_person_writes_as_a_number_is_read_as_typed():
    config = decode('{"params": {"n": 5, "rate": 0.5, "on": true, "none": null, "s": "5"}}')

    assert config.params == {"n": "5", "rate": "0.5", "on": "true", "none": "null", "s": "5"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no json", "malformed"),
        ("[1]", "Expected `object`"),
        ('"x"', "Expected `object`"),
        ("{", "truncated"),
        ('{"force": "yes"}', r"\$\.force"),
        ('{"params": {"a": [1]}}', r"\$\.params"),
        ('{"inputs": []}', r"\$\.inputs"),
    ],
)
def test_what_cannot_be_is_refused_with_an_example(text, told):
    with pytest.raises(UsageError, match=told) as caught:
        decode(text)

    remedy = caught.value.remedy
    assert decode(remedy[remedy.index("{") :]).force
    json.loads(remedy[remedy.index("{") :])
