"""The table of commands against the commands themselves, and what they say of themselves."""

import inspect
import os
import re
from pathlib import Path

import click
import pytest

from sf_ml_framework.cli.app import main, root_command
from sf_ml_framework.cli.commands import COMMANDS, EXIT_CODES, exits_of

HELP = Path(__file__).parent / "help"
NAMES = list(COMMANDS)


def command(name: str) -> click.Command:
    found = root_command().get_command(click.Context(root_command()), name)
    assert found is not None
    return found


def help_of(capsys, *words: str) -> str:
    assert main([*words, "--help"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


@pytest.mark.parametrize("name", NAMES)
def test_the_summary_in_the_table_is_the_first_line_of_the_docstring(name):
    doc = inspect.getdoc(command(name).callback) or ""

    assert doc.splitlines()[0] == COMMANDS[name].summary


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_an_example_and_exit_codes(name, capsys):
    text = help_of(capsys, name)

    assert re.search(r"Examples:\n +mlops ", text)
    assert re.search(r"Exit codes:\n +0 +done\n", text)
    for code in exits_of(command(name), COMMANDS[name].exits):
        assert code in EXIT_CODES
        assert re.search(rf"^ +{code} ", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_is_for(name):
    for parameter in command(name).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("name", ["list", "history", "show", "diff", "why", "run", "validate"])
def test_everything_that_shows_something_has_a_format(name):
    options = {option: each for each in command(name).params for option in each.opts}

    assert list(options["--format"].type.choices) == ["table", "json", "csv"]


@pytest.mark.parametrize("name", ["", *(name for name in NAMES if not COMMANDS[name].alias_of)])
def test_the_help_is_what_was_read_by_eye(name, capsys, monkeypatch):
    """After a change read the new text, then store it with MLOPS_TEST_STORE_HELP=1."""
    monkeypatch.setenv("COLUMNS", "80")
    file = HELP / f"{name or 'mlops'}.txt"

    text = help_of(capsys, *([name] if name else []))

    if os.environ.get("MLOPS_TEST_STORE_HELP"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 80


def test_an_alias_is_not_listed_and_works(capsys):
    assert "deps" not in help_of(capsys)
    assert help_of(capsys, "deps").startswith("Usage: mlops deps ")


def test_no_command_at_all_is_a_question_for_help(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: mlops ")


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert re.fullmatch(r"sf-ml-framework \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("line", "error", "remedy"),
    [
        (["lst"], "no command is named 'lst'", "did you mean 'list'?"),
        (["xyzzy"], "no command is named 'xyzzy'", "known: backfill, clean, comp"),
        (["list", "--formt", "json"], "mlops list has no option '--formt'", "'--format'?"),
        (["list", "--projct", "x"], "mlops list has no option '--projct'", "'--project'?"),
        (["--verzion"], "mlops has no option '--verzion'", "did you mean '--version'?"),
        (["list", "--format", "jsn"], "--format cannot be 'jsn'", "did you mean 'json'?"),
        (["run", "--workers", "x"], "'x' is not a valid integer", "see mlops run --help"),
        (["run", "--workers", "-1"], "-1 is not in the range x>=0", "see mlops run --help"),
        (["run", "--nodes"], "option '--nodes' requires an argument", "see mlops run --help"),
        (["exec"], "missing argument 'NODE'", "see mlops exec --help"),
        (["list", "more"], "got unexpected extra argument (more)", "see mlops list --help"),
    ],
)
def test_a_mistyped_line_is_answered_with_what_is_near(capsys, line, error, remedy):
    assert main(line) == 2

    out, err = capsys.readouterr()
    first, second = err.splitlines()
    assert out == ""
    assert first.startswith("error: ")
    assert error in first
    assert second.startswith("  remedy: ")
    assert remedy in second
