"""On a terminal what was not given is asked; Ctrl-C leaves nothing."""

from __future__ import annotations

import pytest

from tests.integration.typing_person import Terminal


def test_what_was_not_given_is_asked_and_what_cannot_be_is_asked_again(tmp_path):
    terminal = Terminal(tmp_path, "init", "My Churn", "--python", "3.12")

    terminal.sees("Name of the Python package")
    terminal.sees("my_churn")
    terminal.types("\x15class\r")
    terminal.sees("it is a word of Python")
    terminal.types("\x15leavers\r")
    terminal.sees("What is it for")
    terminal.types("\x15Who leaves\r")
    terminal.sees("Names in Snowflake")
    terminal.sees("LEAVERS")
    terminal.types("\r")
    terminal.sees("Where is it tested")
    terminal.types("\r")

    assert terminal.ends() == 0, terminal.screen
    folder = tmp_path / "My Churn"
    assert (folder / "leavers" / "__init__.py").read_text() == '"""Who leaves."""\n'
    assert "prefix: LEAVERS" in (folder / "mlops.yml").read_text()
    assert (folder / ".python-version").read_text() == "3.12\n"


def test_with_defaults_nothing_is_asked(tmp_path):
    terminal = Terminal(tmp_path, "init", "churn", "--defaults")

    assert terminal.ends() == 0, terminal.screen
    assert "?" not in terminal.screen
    assert (tmp_path / "churn" / "mlops.yml").is_file()


@pytest.mark.parametrize("question", ["Name of the Python package", "What is it for"])
def test_ctrl_c_at_a_question_leaves_nothing(tmp_path, question):
    terminal = Terminal(tmp_path, "init", "churn")

    terminal.sees("Name of the Python package")
    if question == "What is it for":
        terminal.types("\r")
        terminal.sees(question)
    terminal.types("\x03")

    assert terminal.ends() == 130
    assert "stopped" in terminal.screen
    assert "Traceback" not in terminal.screen
    assert list(tmp_path.iterdir()) == []
