"""Objects of an account: of two changes of one, neither takes the other away."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from sf_ml_framework.emulator.catalog import Catalog, Entry
from sf_ml_framework.emulator.names import Path

PATH = Path("D", "S", "A")
HELD = {"state": "started", "due": "today", "files": {"a": 1}}


@pytest.fixture
def catalog():
    with closing(Catalog(None)) as opened:
        opened.create(Entry(kind="ALERT", path=PATH, owner="ONE", comment="c", properties=HELD))
        yield opened


def test_what_two_changed_at_once_stands_both(catalog):
    mine, theirs = catalog.get("ALERT", PATH), catalog.get("ALERT", PATH)

    catalog.update(theirs.with_properties(state="suspended", added=1))
    catalog.update(replace(theirs, owner="TWO"))
    catalog.update(replace(mine.with_properties(due="tomorrow"), comment="new"))

    found = catalog.get("ALERT", PATH)
    assert (found.owner, found.comment) == ("TWO", "new")
    assert found.properties == {
        "state": "suspended", "added": 1, "due": "tomorrow", "files": {"a": 1},
    }  # fmt: skip


def test_what_one_takes_away_does_not_come_back_with_the_other(catalog):
    mine, theirs = catalog.get("ALERT", PATH), catalog.get("ALERT", PATH)

    catalog.update(replace(theirs, properties={"state": "started", "files": {"a": 1}}))
    catalog.update(mine.with_properties(state="suspended"))

    assert catalog.get("ALERT", PATH).properties == {"state": "suspended", "files": {"a": 1}}


def test_a_property_that_was_changed_in_place_is_a_change(catalog):
    mine, theirs = catalog.get("ALERT", PATH), catalog.get("ALERT", PATH)

    catalog.update(replace(theirs, comment="new"))
    mine.properties["files"]["a"] = 2
    catalog.update(mine)

    found = catalog.get("ALERT", PATH)
    assert (found.comment, found.properties["files"]) == ("new", {"a": 2})


def test_what_is_gone_meanwhile_does_not_come_back(catalog):
    mine = catalog.get("ALERT", PATH)
    catalog.drop("ALERT", PATH)

    catalog.update(replace(mine, comment="new"))

    assert catalog.find("ALERT", PATH) is None
