"""The search for leaked secrets finds them: shown on suites that leak."""

from __future__ import annotations

import base64
import re
import uuid

import pytest

from tests.canaries import ROOT, TOKEN, LeakError, Leaks, look, mark

pytest_plugins = ["pytester"]

OTHER = f"cnry{uuid.uuid4().hex}"
LEAKING = """
import logging
import pytest
from tests.canaries import look

def test_prints(canary):
    print("signing in with", canary("password"))

def test_logs(canary):
    logging.getLogger("somebody").warning("token=%s", canary("token"))

def test_fails_with_it(canary):
    assert canary("value") == "another"

def test_shows_what_a_command_printed(canary):
    look("usage: " + canary("value"), "the output of `mlops x`")

def test_prints_the_environment():
    import os
    print(dict(os.environ))

def test_keeps_it_to_itself(canary, tmp_path):
    print(len(canary("value")))
    (tmp_path / "connections.toml").write_text(canary("password"))

def test_puts_one_on_purpose(canary, tmp_path, may_hold):
    may_hold(tmp_path / "value.txt").write_text(canary("value"))
"""
WRITING = """
import base64

def test_a(canary, tmp_path):
    (tmp_path / "journal.json").write_text('{"args": "' + canary("value") + '"}')

def test_b(canary, tmp_path):
    for offset in range(3):
        text = b"x" * offset + canary("value").encode() + b"!"
        (tmp_path / f"spec{offset}.yaml").write_bytes(base64.b64encode(text))

def test_c(tmp_path_factory, canary):
    folder = tmp_path_factory.mktemp("deep") / ".mlops" / "runs"
    folder.mkdir(parents=True)
    (folder / "log.txt").write_bytes(b"0" * (2**20 - 20) + canary("value").encode())
"""


@pytest.fixture
def run(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # Of their own: what they leak on purpose stands below this run's folder too.
    monkeypatch.setenv("CANARIES_OF_THIS_RUN", OTHER)
    monkeypatch.delenv(TOKEN, raising=False)

    def call(source, *more):
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess(
            "-p",
            "tests.canaries",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:hypothesispytest",
            "--basetemp=base",
            *more,
        )

    return call


def test_a_test_that_shows_a_secret_fails_and_its_report_does_not_repeat_it(run):
    ended = run(LEAKING, "-rA")

    ended.assert_outcomes(passed=2, failed=5)
    text = ended.stdout.str()
    told = re.findall(r"test_\w+\.py::(\w+): a secret is in (.+)", text)
    assert dict(told) == {
        "test_prints": "its captured stdout call",
        "test_logs": "its captured log call",
        "test_fails_with_it": "the text of its failure",
        "test_prints_the_environment": "its captured stdout call",
    }
    assert "a secret is in the output of `mlops x`" in text
    assert OTHER not in text


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_whose_files_have_a_secret_fails_and_names_them(run, workers):
    ended = run(WRITING, "-n", workers)

    ended.assert_outcomes(passed=3)
    assert ended.ret == 1
    found = re.findall(r"LEAKED a secret is in \S+/([\w.]+)$", ended.stdout.str(), re.MULTILINE)
    assert sorted(found) == ["journal.json", "log.txt", "spec0.yaml", "spec1.yaml", "spec2.yaml"]


def test_what_a_command_printed_is_looked_into():
    look("nothing here", "the output")

    with pytest.raises(LeakError, match="in the output"):
        look(f"told: {mark()}-x", "the output")


def test_a_secret_across_two_pieces_of_a_file_is_found(tmp_path, may_hold):
    file = may_hold(tmp_path / "large.bin")
    file.write_bytes(b"0" * (2**20 - 10) + base64.b64encode(f"{mark()}-x".encode()) + b"0" * 2**20)

    assert Leaks().in_file(file)
