"""How long is gone on trying."""

from __future__ import annotations

import pytest

pytest.importorskip("snowflake.connector")

from snowflake.connector.errors import OperationalError

from sf_ml_framework.places.snowflake import patience, transfer


def test_pauses_grow_and_the_last_try_has_none():
    found = list(patience.pauses(60, tries=4))

    assert found[-1] is None
    assert len(found) == 4
    assert all(low <= pause <= 2 * low for pause, low in zip(found, (0.25, 0.5, 1), strict=False))


def test_no_pause_goes_past_the_end():
    assert list(patience.pauses(0)) == [None]


def test_repeats_of_a_request_end():
    policy = patience.retries_for(0)()
    first = next(policy)

    with pytest.raises(OperationalError, match="nobody has answered for 0 seconds"):
        next(policy)

    assert first == patience.FIRST


def test_each_request_has_its_own_patience():
    policy = patience.retries_for(30)

    assert [next(policy()) for _ in range(3)] == [patience.FIRST] * 3


@pytest.mark.parametrize(
    ("text", "literal"),
    [("a b", "'a b'"), ("o'k", r"'o\'k'"), ("back\\slash", r"'back\\slash'")],
)
def test_a_path_is_quoted(text, literal):
    assert transfer.literal(text) == literal


@pytest.mark.parametrize("text", ["a\nb", "a\0b", "a\rb"])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(ValueError, match="cannot be a path"):
        transfer.literal(text)
