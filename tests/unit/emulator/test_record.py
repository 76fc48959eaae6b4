"""The record tells what came after a moment, or says that it cannot."""

from __future__ import annotations

import pytest

from sf_ml_framework.emulator import record as module
from sf_ml_framework.emulator.clock import Clock
from sf_ml_framework.emulator.record import Record


def test_what_came_since_is_told_by_kind_however_much_there_was(monkeypatch):
    monkeypatch.setattr(module, "KEPT", 3)
    record = Record(Clock(), None)
    for number in range(5):
        record.add("statement", sql=f"select {number}")
    before = record.added

    assert record.since(before, "statement") == []
    record.add("rest", route="/")
    record.add("statement", sql="select 5")

    assert [line["sql"] for line in record.since(before, "statement")] == ["select 5"]
    with pytest.raises(LookupError, match="2 of the lines"):
        record.since(2, "statement")


def test_a_record_that_was_cleared_goes_on_counting():
    record = Record(Clock(), None)
    record.add("fault", error="one")
    record.lines.clear()
    before = record.added
    record.add("fault", error="two")

    assert [line["error"] for line in record.since(before, "fault")] == ["two"]
