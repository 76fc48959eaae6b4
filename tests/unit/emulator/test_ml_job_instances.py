"""Instances of an ML job, seen by one of them."""

from __future__ import annotations

from sf_ml_framework.emulator.ml_jobs.runtime import entrypoint


def test_an_instance_that_has_ended_is_not_waited_for(tmp_path, monkeypatch):
    """Of two instances the late one waited for ever for the one that had ended already."""
    monkeypatch.setenv("EMULATOR_CONTAINER_ROOT", str(tmp_path / "1" / "root"))
    for number in ("0", "1"):
        (tmp_path / number).mkdir()
        (tmp_path / number / "main.jsonl").touch()
    (tmp_path / "1" / "root").mkdir()

    assert entrypoint.started() == 2
