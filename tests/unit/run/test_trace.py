import json
import sys

import pytest

from sf_ml_framework.manifest import graph
from sf_ml_framework.run.trace import author_trace, one_line


def caught(function, *arguments):
    try:
        function(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_our_frames_are_cut_away_and_the_author_s_stay():
    error = caught(graph.sort, {"a": ("a",), "b": None})

    assert "graph.py" not in author_trace(error).replace("graphlib.py", "")
    assert "test_trace.py" in author_trace(error)
    assert author_trace(error).startswith("Traceback (most recent call last):")


def test_frames_of_a_library_that_the_author_called_stay():
    trace = author_trace(caught(json.loads, "{"))

    assert "decoder.py" in trace
    assert trace.splitlines()[-1].startswith("json.decoder.JSONDecodeError: ")


def test_the_chain_of_causes_stays():
    def fails():
        try:
            json.loads("{")
        except ValueError as error:
            raise KeyError("config") from error

    trace = author_trace(caught(fails))

    assert "direct cause" in trace
    assert trace.splitlines()[-1] == "KeyError: 'config'"


def test_the_machinery_of_import_is_cut_away(tmp_path, monkeypatch):
    (tmp_path / "broken_module.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)

    trace = author_trace(caught(__import__, "broken_module"))

    assert "importlib" not in trace
    assert "broken_module.py" in trace


def test_every_error_of_a_group_is_shown():
    def fails():
        raise ExceptionGroup("two", [ValueError("left"), TypeError("right")])

    trace = author_trace(caught(fails))

    assert "ValueError: left" in trace
    assert "TypeError: right" in trace


def test_deep_recursion_is_folded():
    def endless():
        endless()

    assert len(author_trace(caught(endless)).splitlines()) < 30


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("a\n  b"), "ValueError: a; b"),
        (ValueError(), "ValueError"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_an_error_is_told_in_one_line(error, text):
    assert one_line(error) == text
    assert sys.exc_info() == (None, None, None)
