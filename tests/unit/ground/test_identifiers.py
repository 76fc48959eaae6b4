import pytest

from sf_ml_framework.identifiers import (
    quoted,
    why_not_column,
    why_not_identifier,
    why_not_node,
    why_not_version,
)


@pytest.mark.parametrize("name", ["customers", "_a", "A1$", "x" * 255])
def test_what_snowflake_takes_unquoted_is_an_identifier(name):
    assert why_not_identifier(name) == ""


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "ä", "select", "TABLE", "x" * 256, 'a"b'])
def test_what_snowflake_refuses_is_no_identifier_and_the_reason_is_told(name):
    assert why_not_identifier(name)


@pytest.mark.parametrize("name", ["train_model", "a", "n" * 58])
def test_a_node_may_be_named_so(name):
    assert why_not_node(name) == ""


@pytest.mark.parametrize("name", ["Train", "train-model", "_train", "n" * 59, "order", ""])
def test_a_node_whose_task_or_job_could_not_be_named_is_refused(name):
    assert why_not_node(name)


def test_columns_are_lower_case_here():
    assert why_not_column("customer_id") == ""
    assert why_not_column("customerID")


@pytest.mark.parametrize(
    ("version", "fine"),
    [("v1.2.0", True), ("1", True), ("-1", False), ("a b", False), ("", False), ("v" * 129, False)],
)
def test_a_version_is_what_a_feature_view_takes(version, fine):
    assert (why_not_version(version) == "") is fine


def test_a_quoted_name_cannot_break_out_of_its_quotes():
    assert quoted('a"; DROP TABLE b; --') == '"a""; DROP TABLE b; --"'
