"""Commands inside a group: explained, completed and mistyped like those outside."""

import inspect
import re

import click
import pytest

from sf_ml_framework.cli.app import main, root_command
from sf_ml_framework.cli.commands import COMMANDS


def groups():
    """Yield every group, by the words that call it."""
    root = root_command()
    context = click.Context(root)
    found = [((name,), root.get_command(context, name)) for name in COMMANDS]
    while found:
        words, command = found.pop()
        if isinstance(command, click.Group):
            yield words, command
            found += [((*words, name), each) for name, each in command.commands.items()]


GROUPS = dict(groups())
INNER = [
    (*words, name)
    for words, group in GROUPS.items()
    for name, command in group.commands.items()
    if not isinstance(command, click.Group)
]


def test_there_are_groups():
    assert ("emulator",) in GROUPS
    assert ("emulator", "image", "add") in INNER


@pytest.mark.parametrize("words", INNER, ids=" ".join)
def test_every_inner_command_has_an_example_exit_codes_and_options_explained(words, capsys):
    assert main([*words, "--help"]) == 0
    text = capsys.readouterr().out
    command = GROUPS[words[:-1]].commands[words[-1]]

    assert re.search(rf"Examples:\n +mlops (--\w+ \w+ )?{' '.join(words)}", text)
    assert re.search(r"Exit codes:\n +0 +\w", text)
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, option.name


def codes_of(capsys, words):
    """Return the exit codes that the help of a command lists."""
    capsys.readouterr()
    assert main([*words, "--help"]) == 0
    _, _, listed = capsys.readouterr().out.partition("Exit codes:\n")
    return {int(code) for code in re.findall(r"^ +(\d+) ", listed, flags=re.MULTILINE)}


OUTER = [(name,) for name in COMMANDS if (name,) not in GROUPS and name != "doctor"]


@pytest.mark.parametrize("words", [*OUTER, *INNER], ids=" ".join)
def test_what_reaches_an_account_can_lose_it_and_what_waits_for_a_person_be_stopped(words, capsys):
    root = root_command()
    command = GROUPS[words[:-1]].commands[words[-1]] if words[1:] else root.get_command(
        click.Context(root), words[0]
    )  # fmt: skip
    options = {option for each in command.params for option in each.opts}

    codes = codes_of(capsys, words)

    assert codes >= {0, 2}
    assert 4 in codes or "--connection" not in options
    assert 130 in codes or not options & {"--yes", "--wait", "--follow"}


def test_doctor_tells_of_a_lost_connection_as_of_any_other_fault(capsys):
    assert codes_of(capsys, ("doctor",)) == {0, 2, 3}


@pytest.mark.parametrize("words", GROUPS, ids=" ".join)
def test_a_group_lists_the_exit_codes_of_its_commands(words, capsys):
    inner = [each for each in INNER if each[: len(words)] == words]

    assert codes_of(capsys, words) == set().union(*(codes_of(capsys, each) for each in inner))


@pytest.mark.parametrize("words", GROUPS, ids=" ".join)
def test_a_group_without_a_command_explains_itself(words, capsys):
    assert main(list(words)) == 0
    # Long lines are broken where the terminal ends.
    text = " ".join(capsys.readouterr().out.split())

    assert "Commands:" in text
    assert "Examples:" in text
    for command in GROUPS[words].commands.values():
        assert (inspect.getdoc(command.callback) or "").splitlines()[0] in text


@pytest.mark.parametrize(
    ("line", "error", "remedy"),
    [
        (["emulator", "strt"], "no command of mlops emulator is named 'strt'", "'start'?"),
        (["emulator", "image", "ad"], "no command of mlops emulator image is named", "'add'?"),
        (["emulator", "stop", "--forgt"], "mlops emulator stop has no option", "'--forget'?"),
        (["emulator", "start", "--port", "x"], "'x' is not a valid", "emulator start --help"),
        (["emulator", "start", "--in-memory", "--state", "d"], "contradict", "one of the two"),
    ],
)
def test_a_mistyped_line_inside_a_group_is_answered_with_what_is_near(line, error, remedy, capsys):
    assert main(line) == 2
    told = capsys.readouterr().err

    assert error in told
    assert remedy in told
