"""The page of strict rules names tests that exist, and the code in the how-to runs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
SUITES = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference/emulator.md"
HOW_TO = ROOT / "docs/how-to/test-against-the-emulator.md"
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))
BLOCKS = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_the_page_names_exists(file, name):
    path = ROOT / file if file.startswith("tests/") else SUITES / file
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_strict_test_is_on_the_page():
    tree = ast.parse((SUITES / "test_strict.py").read_text(encoding="utf-8"))
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

    assert {name for name in tests if name.startswith("test_")} <= {name for _, name in NAMED}


def test_every_option_of_the_command_is_on_the_page(capsys):
    from sf_ml_framework.emulator.__main__ import main

    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help", "--project"}

    page = PAGE.read_text(encoding="utf-8")
    assert {option for option in options if f"`{option}`" not in page} == set()


def test_the_how_to_works(tmp_path, monkeypatch):
    """Its test is run by a pytest of its own, its other code as it stands."""
    monkeypatch.delenv("MLOPS_TEST_CONNECTION", raising=False)
    monkeypatch.chdir(tmp_path)
    files = {}
    for block in BLOCKS:
        first = block.splitlines()[0]
        if match := re.fullmatch(r"# (\w+\.py)", first):
            files[match[1]] = block
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    own = [
        "-q",
        "-p",
        "no:cacheprovider",
        f"--rootdir={tmp_path}",
        f"--basetemp={tmp_path / 'base'}",
    ]
    done = subprocess.run([sys.executable, "-m", "pytest", *own],
                          capture_output=True, text=True, check=False)  # fmt: skip

    assert set(files) == {"conftest.py", "test_orders.py"}
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    imported = BLOCKS[2].splitlines()[0]
    for block in BLOCKS[2:]:
        exec(compile(f"{imported}\n{block}", str(HOW_TO), "exec"), {})
