"""What may run somebody else's words is in few places, each of them named here with its reason."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[3]
TREES = ("sf_ml_framework", "src", "scripts", ".github/scripts", "examples")
"""Benchmarks are left out: they measure, and load what they wrote themselves a moment before."""
FILES = sorted(
    file
    for tree in TREES
    for file in (ROOT / tree).rglob("*.py")
    if not {".venv", "node_modules"} & set(file.parts)
)

UNPICKLES = {
    "sf_ml_framework/values/pickles.py": "after its bytes and the names in it were compared",
    "sf_ml_framework/places/snowflake/model_wrapper.py": "the registry's own copy, in the account",
}
EXECUTES = {
    "sf_ml_framework/emulator/sandbox/handlers.py": "a function's code, in a process of its own",
    "sf_ml_framework/emulator/ml_jobs/runtime/entrypoint.py": "the payload's own launcher",
}
UNPACKS = {
    "sf_ml_framework/places/snowflake/ml_job_entry.py": "the archive that we wrote beside it",
    "sf_ml_framework/scaffold/wheel.py": "the wheel that one names, without what leaves the folder",
}


class Call(NamedTuple):
    """A call, in which file, and the dotted name of what is called."""

    file: str
    name: str
    node: ast.Call

    @property
    def place(self) -> str:
        return f"{self.file}:{self.node.lineno}"


def dotted(node: ast.expr) -> str:
    """Return ``a.b.c``; what is called on no name, such as ``open(x).read``, on a ``?``."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "?")
    return ".".join(reversed(parts))


@functools.cache
def calls() -> tuple[Call, ...]:
    """Return every call of the house; read once."""
    return tuple(
        Call(str(file.relative_to(ROOT)), dotted(node.func), node)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    )


def where(pattern: str) -> set[str]:
    """Return the files that call what *pattern* matches whole."""
    found = re.compile(pattern)
    return {call.file for call in calls() if found.fullmatch(call.name)}


def test_the_trees_are_looked_into():
    assert len(FILES) > 300
    assert {file.relative_to(ROOT).parts[0] for file in FILES} >= {"sf_ml_framework", "src"}


@pytest.mark.parametrize(
    "pattern",
    [
        r"os\.(system|popen|spawn\w*)|subprocess\.(getoutput|getstatusoutput)",
        r"(builtins\.)?eval",
        r"yaml\.(unsafe_load|full_load|unsafe_load_all|full_load_all|load_all|Loader|UnsafeLoader)",
        r"(marshal|shelve|dill|jsonpickle)\.(load|loads|open|decode)",
        r"tempfile\.mktemp",
        r"ssl\._create_unverified_context",
    ],
)
def test_nothing_calls(pattern):
    assert where(pattern) == set()


def test_what_is_looked_for_is_called_by_no_shorter_name():
    """``from pickle import loads`` would hide what ``pickle.loads`` shows."""
    whole = {"builtins", "dill", "joblib", "marshal", "pickle", "shelve", "shutil", "yaml"}
    short = {"eval", "exec", "load", "loads", "open", "unpack_archive", "Unpickler"}
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and node.module in whole
        and short & {name.name for name in node.names}
    ]

    assert found == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("zipfile.ZipFile(f).extractall(d)", "?.extractall"),
        ("self.archive.extractall(d)", "self.archive.extractall"),
        ("pickle.loads(b)", "pickle.loads"),
        ("exec(text)", "exec"),
    ],
)
def test_a_call_is_named_as_it_is_written(line, name):
    assert dotted(ast.parse(line).body[0].value.func) == name


def test_no_command_goes_through_a_shell():
    found = [
        call.place
        for call in calls()
        for given in call.node.keywords
        if given.arg == "shell"
        and not (isinstance(given.value, ast.Constant) and given.value.value is False)
    ]

    assert found == []


def test_certificates_are_always_checked():
    found = [
        call.place
        for call in calls()
        for given in call.node.keywords
        if given.arg in ("verify", "insecure_mode", "ocsp_fail_open")
        and isinstance(given.value, ast.Constant)
        and given.value.value is (given.arg != "verify")
    ]

    assert found == []


def test_yaml_is_read_by_safe_loaders_alone():
    wrong = []
    for call in calls():
        if call.name != "yaml.load":
            continue
        loaders = {given.arg: ast.unparse(given.value) for given in call.node.keywords}
        named = set(re.findall(r"\w*Loader", loaders.get("Loader", "yaml.Loader")))
        if not named <= {"CSafeLoader", "SafeLoader"}:
            wrong.append(call.place)

    assert wrong == []


def test_a_loader_of_yaml_that_makes_objects_is_subclassed_nowhere():
    text = re.compile(r"class \w+\((?:yaml\.)?(?:Full|Unsafe)?Loader\)|add_(?:multi_)?constructor")

    assert [f for f in FILES if text.search(f.read_text(encoding="utf-8"))] == []


def test_pickles_are_loaded_only_where_something_vouches_for_them():
    found = where(r"(.*\.)?(c?pickle|cloudpickle|joblib|pandas|pd|torch)\.(load|loads|read_pickle)")
    found |= where(r"(.*\.)?_?Unpickler") | where(r"(.*\.)?\w*(numpy|np|npyio)\.load")

    assert found == set(UNPICKLES)


def test_code_is_executed_only_where_that_is_what_it_is_for():
    assert where(r"(builtins\.)?exec") == set(EXECUTES)


def test_archives_are_unpacked_only_where_they_are_ours():
    found = where(r".*\.extractall|\w+\.extract|(shutil\.)?unpack_archive")

    assert found == set(UNPACKS)
