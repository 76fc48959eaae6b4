"""Every name and value that a user can give, on its way into SQL."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sf_ml_framework.emulator.lexer import split, tokenize
from sf_ml_framework.errors import FrameworkError
from sf_ml_framework.plan import definitions, quoting
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.diff import make_plan
from sf_ml_framework.plan.objects import Grant, Observed, Role, Task
from sf_ml_framework.plan.to_sql import statements
from tests.unit.plan.projects import manifest, node, target

TEXTS = st.text(max_size=40) | st.text(alphabet="'\\;-$\n\"/* ab", max_size=20)
"""Any text, and texts made of what ends a constant, a comment or a statement."""


@given(TEXTS)
def test_a_constant_is_one_token_with_the_text_as_its_value(text):
    """Read back by the emulator's reader, which knows nothing of how it was written."""
    if "\0" in text:
        with pytest.raises(FrameworkError):
            quoting.literal(text)
        return

    (token,) = tokenize(quoting.literal(text))

    assert token.value == text


@given(TEXTS)
def test_what_stands_between_dollar_signs_cannot_end_them(text):
    try:
        quoted = quoting.dollar(text, "a job")
    except FrameworkError:
        assert "$$" in text or text.endswith("$") or "\0" in text
        return

    (token,) = tokenize(quoted)

    assert token.value == text


@given(TEXTS)
def test_a_name_is_an_identifier_or_is_refused(text):
    try:
        written = quoting.name(text)
    except FrameworkError:
        return

    assert [token.kind for token in tokenize(written)][::2] == ["WORD"] * (text.count(".") + 1)
    assert len(split(f"DROP TASK {written}")) == 1


@pytest.mark.parametrize(
    "name", ["x; DROP DATABASE y", 'a"b', "a b", "", "a.b.c.d", "1a", "select"]
)
def test_what_is_no_identifier_is_refused_with_a_reason(name):
    with pytest.raises(FrameworkError, match="cannot be a name in Snowflake"):
        quoting.name(name)


@settings(max_examples=60, deadline=None)
@given(
    comment=TEXTS,
    variable=TEXTS,
    config=st.dictionaries(TEXTS, TEXTS, max_size=3),
    recipient=TEXTS.filter(bool),
    description=TEXTS,
)
def test_no_value_of_a_user_makes_a_second_statement(
    comment, variable, config, recipient, description
):
    """Either the whole project is refused, or each statement stays one statement."""
    settings_ = {
        "env": {"VALUE": variable},
        "tasks": {"schedule": "60 MINUTE", "config": config},
        "notifications": {"email_integration": "mail", "recipients": [recipient]},
    }
    try:
        desired = compile_desired(
            manifest(node("load", description=description)), target(**settings_)
        )
        desired = msgspec.structs.replace(
            desired, objects=(*desired.objects, Role(name="EXTRA", comment=comment))
        )
        found = statements(make_plan(desired, Observed()))
    except FrameworkError:
        return

    for statement in found:
        assert len(split(statement.sql)) == 1


def test_a_specification_with_dollar_signs_is_refused_by_the_nodes_name():
    with pytest.raises(FrameworkError, match=r"the job of node 'load' holds '\$\$'"):
        compile_desired(manifest(node("load")), target(env={"X": "$$; DROP DATABASE ml_dev; --"}))


@pytest.mark.parametrize(
    "fields",
    [
        {"secrets": ("key'; --",)},
        {"external_access": ("eai), NAME = (x",)},
    ],
)
def test_a_nodes_secret_or_way_out_that_is_no_name_is_refused(fields):
    with pytest.raises(FrameworkError):
        compile_desired(manifest(node("load", **fields)), target())


def test_a_privilege_is_made_of_words():
    with pytest.raises(ValueError, match="no keyword"):
        definitions.created(Grant(name="X", privilege="USAGE; DROP", on="SCHEMA", to="R"))


def test_a_tasks_schedule_is_a_constant_in_the_statement():
    task = Task(name="A.B.T", body="SELECT 1", schedule="60 MINUTE' AS DROP TABLE x --")

    sql = definitions.created(task)

    assert "'60 MINUTE'' AS DROP TABLE x --'" in sql
