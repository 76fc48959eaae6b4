"""Versions of the author's, and the identifiers that the registry has them under."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.identifiers import why_not_identifier, why_not_version
from sf_ml_framework.places.snowflake.model_records import Origin, content_in
from sf_ml_framework.places.snowflake.model_versions import (
    free_name,
    identifier_of,
    is_name_for,
    is_plain,
    namesakes,
    shown,
    version_of,
    why_not_alias,
)

PLAIN = st.from_regex(r"v[0-9]{1,4}(\.[a-z0-9]{1,4}){0,4}", fullmatch=True)
ANY = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,12}", fullmatch=True)


@pytest.mark.parametrize(
    ("version", "identifier"),
    [("v1.2.0", "V1_2_0"), ("1.0", "_1_0"), ("2026.11.24", "_2026_11_24"), ("v1", "V1")],
)
def test_a_plain_version_is_mapped_and_back(version, identifier):
    assert identifier_of(version) == identifier
    assert version_of(identifier) == version
    assert is_plain(version)


@given(PLAIN)
def test_every_plain_version_comes_back(version):
    assert version_of(identifier_of(version)) == version


@given(ANY)
def test_every_version_becomes_an_identifier_or_is_refused(version):
    try:
        identifier = identifier_of(version)
    except ValueError:
        assert version.upper() in {"DEFAULT", "FIRST", "LAST"} or why_not_identifier(version)
    else:
        assert why_not_identifier(identifier) == ""


@given(PLAIN, PLAIN)
def test_two_plain_versions_never_share_an_identifier(one, other):
    assert one == other or identifier_of(one) != identifier_of(other)


@pytest.mark.parametrize("version", ["", "v 1", "v1;drop", "é", '"v1"', "default", "Last", "order"])
def test_what_cannot_be_a_version_of_a_model_is_refused(version):
    with pytest.raises(ValueError, match=r"no version|cannot be a model's version"):
        identifier_of(version)


@pytest.mark.parametrize("identifier", ["v1", "V1__0", "V1_", "__1", "V1$2", ""])
def test_what_is_the_identifier_of_no_plain_version_is_refused(identifier):
    with pytest.raises(ValueError, match="no plain version"):
        version_of(identifier)


def test_versions_with_one_identifier_are_found():
    assert namesakes("v1.2", ["v1.2", "v1-2", "V1_2", "v1.3"]) == ("V1_2", "v1-2")
    assert namesakes("v1.2", ["v1.2", "v1.2.0"]) == ()


def test_a_name_is_free_that_the_registry_does_not_have():
    assert free_name("v1.0", []) == "V1_0"
    assert free_name("v1.0", ["V1_0"]) == "V1_0_2"
    assert free_name("v1.0", ["V1_0", "V1_0_2", "V1_0_3", "V2_0"]) == "V1_0_4"


@given(ANY.filter(lambda each: not why_not_version(each)), st.integers(1, 20))
def test_a_free_name_is_known_as_the_version_s(version, count):
    taken: list[str] = []
    try:
        for _ in range(count):
            taken.append(free_name(version, taken))
    except ValueError:
        return

    assert len(set(taken)) == count
    assert all(is_name_for(name, version) for name in taken)


def test_a_row_of_show_versions_tells_a_version():
    at = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=-8)))
    row = {
        "name": "V1",
        "created_on": at,
        "aliases": '["DEFAULT", "LAST", "PROD"]',
        "is_default_version": "true",
        "comment": None,
    }

    found = shown(row)

    assert found.signature == shown({**row, "created_on": at.astimezone(UTC)}).signature
    assert (found.name, found.is_default, found.aliases, found.comment) == (
        "V1", True, ("PROD",), "",
    )  # fmt: skip


def test_a_comment_says_who_saved_and_gives_the_content_back():
    origin = Origin(run_id="r$$1", node="train", commit="abc-dirty")

    comment = origin.comment("v1.0.0", "ab" * 32)

    assert comment.startswith("version v1.0.0, node train, run r1, commit abc-dirty, content ")
    assert content_in(comment) == "ab" * 32
    assert content_in("edited by a person") == ""


@pytest.mark.parametrize("alias", ["default", "1st", "a-b", "", "x" * 300, "a'b"])
def test_what_cannot_be_an_alias_says_why(alias):
    assert why_not_alias(alias)
    assert why_not_alias("production") == ""
