import pytest

from sf_ml_framework.errors import UsageError
from sf_ml_framework.run.overrides import Overrides, parse


def test_nothing_given_changes_nothing():
    assert parse("", "  ", []) == Overrides()
    assert not parse()


def test_what_is_given_is_read_as_json():
    found = parse('{"num_customers": 50}', '{"raw": "raw@v2"}', ["a=1", "b = x=y"])

    assert found.inputs == {"num_customers": 50}
    assert found.outputs == {"raw": "raw@v2"}
    assert found.params == {"a": "1", "b": " x=y"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{num_customers: 50}", "line 1, column 2"),
        ('{"a": 1,\n "b" 2}', "line 2, column 6"),
        ("{'a': 1}", "near \"{'a': 1}\""),
        ("[1, 2]", "no object"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ('{"a": NaN}', "JSON has no NaN"),
        ("50", "no object"),
    ],
)
def test_json_that_is_none_is_refused_with_its_place(text, told):
    with pytest.raises(UsageError) as caught:
        parse(text)

    assert told in str(caught.value)
    assert str(caught.value).startswith("--inputs is ")
    assert "--inputs '{" in caught.value.remedy


def test_a_parameter_without_a_value_is_refused():
    with pytest.raises(UsageError, match="'rows'"):
        parse(params=["rows"])
