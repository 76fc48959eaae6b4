"""The scenario suites speak through the official clients alone: an account runs them too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SUITES = sorted(
    path for path in HERE.parent.rglob("*.py") if path.parent != HERE and "images" not in path.parts
)
CHOOSES = HERE.parent / "conftest.py"
"""The one file that knows the emulator: it starts one, or names the account's connection."""
INSIDE = {"snowflake_emulator", "getfixturevalue", "Emulator"}


def test_there_are_suites():
    names = {path.name for path in SUITES}

    assert {
        "test_connector.py",
        "test_snowpark.py",
        "test_feature_store.py",
        "test_model_registry.py",
        "test_ml_jobs.py",
        "test_containers.py",
        "test_tasks.py",
        "test_access.py",
        "test_usage.py",
        "test_snow.py",
    } <= names


@pytest.mark.parametrize("path", [p for p in SUITES if p != CHOOSES], ids=lambda path: path.name)
def test_a_suite_imports_nothing_of_the_emulator(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert not {name for name in imported if name.startswith("sf_ml_framework")}
    assert not named & INSIDE


def test_the_tests_of_the_emulator_itself_are_left_out_with_an_account(monkeypatch):
    """``itself/conftest.py`` decides when it is imported, by the environment."""
    text = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")

    monkeypatch.setenv("MLOPS_TEST_CONNECTION", "mine")
    with_account: dict[str, list[str]] = {}
    exec(compile(text, "conftest", "exec"), with_account)
    monkeypatch.delenv("MLOPS_TEST_CONNECTION")
    without: dict[str, list[str]] = {}
    exec(compile(text, "conftest", "exec"), without)

    assert with_account["collect_ignore_glob"] == ["test_*.py"]
    assert without["collect_ignore_glob"] == []
