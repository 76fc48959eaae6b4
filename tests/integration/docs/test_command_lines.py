"""What a page tells to type can be typed: each command, option, target and file is there.

Pages that are run say more; this also reads those that only mention a command.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sf_ml_framework.cli.app import root_command

ROOT = Path(__file__).parents[3]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
]
FENCE = re.compile(r"^```(\w*).*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Ours, and that of a project which `mlops init` makes.
MAKEFILES = [
    ROOT / "Makefile",
    ROOT / ".github" / "ci.mk",
    ROOT / "sf_ml_framework" / "scaffold" / "template" / "project" / "Makefile.jinja",
]
# Files that a reader of the tutorials writes.
WRITTEN = {
    name
    for page in PAGES
    for name in re.findall(r'title="([^"]+)"', page.read_text(encoding="utf-8"))
}
PROGRAMS = ("mlops ", "python main.py ", "python -m sf_ml_framework ")


def lines_of(text: str) -> Iterator[str]:
    """Yield what a page tells to type: lines of its shell blocks, and what stands in backticks."""
    for language, body in FENCE.findall(text):
        if language == "console":
            yield from re.findall(r"^\$ (.*)$", body, re.MULTILINE)
        elif language in ("bash", "sh"):
            yield from body.splitlines()
    for code in re.findall(r"`([^`\n]+)`", FENCE.sub("", text)):
        if code.startswith((*PROGRAMS, "make ", "python ")):
            yield code


def commands_of(line: str) -> Iterator[list[str]]:
    """Yield the commands of a shell line, cut into words; what cannot be cut is none."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    try:
        for word in lexer:
            if word and set(word) <= set("();<>|&"):
                yield words
                words = []
            else:
                words.append(word)
    except ValueError:
        return
    yield words


def fault_of(words: list[str]) -> str:
    """Return what is wrong with a command of ours; empty where nothing is."""
    match words:
        case ["mlops", *rest] | ["python", "main.py", *rest]:
            return fault_of_mlops(rest)
        case ["python", "-m", "sf_ml_framework", *rest]:
            return fault_of_mlops(rest)
        case ["make", *targets]:
            texts = "\n".join(file.read_text(encoding="utf-8") for file in MAKEFILES)
            known = re.findall(r"^([a-z0-9-]+):", texts, re.MULTILINE)
            unknown = [each for each in targets if each.islower() and each not in known]
            return f"no target {unknown[0]}" if unknown else ""
        case ["python", file, *_] if file.endswith(".py"):
            places = (ROOT, ROOT / "src" / "nodes")
            there = file in WRITTEN or any((place / file).is_file() for place in places)
            return "" if there else f"no file {file}"
    return ""


def fault_of_mlops(words: list[str]) -> str:
    command: click.Command = root_command()
    known = options_of(command)
    rest = iter(words)
    for word in rest:
        name, equals, _ = word.partition("=")
        name = name.strip("[]…")
        if name.startswith("--") and len(name) > 2:
            if name not in known:
                return f"no option {name}"
            if not equals and not known[name]:
                next(rest, "")
        elif isinstance(command, click.Group) and re.fullmatch(r"[a-z]+", word):
            inner = command.get_command(click.Context(command), word)
            if inner is None:
                return f"no command {word}"
            command, known = inner, known | options_of(inner)
    return ""


def options_of(command: click.Command) -> dict[str, bool]:
    """Return the options of a command, each with whether it stands without a value."""
    found = {"--help": True}
    for parameter in command.get_params(click.Context(command)):
        for name in (*parameter.opts, *parameter.secondary_opts):
            found[name] = isinstance(parameter, click.Option) and parameter.is_flag
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_tells_to_type_is_there(page):
    typed = [
        words
        for line in lines_of(page.read_text(encoding="utf-8"))
        for words in commands_of(line)
        if words
    ]

    assert [f"{' '.join(words)}: {fault}" for words in typed if (fault := fault_of(words))] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("mlops run --form train", "no option --form"),
        ("mlops rnu", "no command rnu"),
        ("cd x && mlops tasks strat", "no command strat"),
        ("make tset", "no target tset"),
        ("python src/run.py", "no file src/run.py"),
        ("mlops --project a run --workers 2  # --nothing", ""),
        ("python node_01_generate_data.py", ""),
    ],
)
def test_a_command_that_is_not_there_is_found(line, fault):
    assert [found for words in commands_of(line) if (found := fault_of(words))] == (
        [fault] if fault else []
    )
