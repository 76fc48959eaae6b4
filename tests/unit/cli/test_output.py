"""What is printed: results to one stream, talk to the other, tables that fit."""

import csv
import io
import json

import pytest

from sf_ml_framework.cli.output import Column, one_line, shortened, text_of, width_of
from tests.unit.cli.streams import Stream, output_to

COLUMNS = (
    Column("name"),
    Column("rows", lambda rows: "" if rows is None else f"{rows:,}", right=True),
    Column("why", gives_way=True),
)
ROWS = [
    {"name": "make", "rows": 1000, "why": "first run", "more": [1, 2]},
    {"name": "clean_it", "rows": None, "why": "code changed: shop.nodes:clean_it", "more": []},
]


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")


def test_a_table_aligns_its_columns():
    output, out, _ = output_to()

    output.table(COLUMNS, ROWS, "table")

    assert out.getvalue().splitlines() == [
        "name       rows  why",
        "make      1,000  first run",
        "clean_it         code changed: shop.nodes:clean_it",
    ]


def test_a_table_as_json_has_every_value_of_a_row():
    output, out, _ = output_to()

    output.table(COLUMNS, ROWS, "json")

    assert json.loads(out.getvalue()) == ROWS


def test_a_table_as_csv_has_plain_values():
    output, out, _ = output_to()

    output.table((*COLUMNS, Column("more")), [{**ROWS[0], "why": 'a "b",\nc'}], "csv")

    assert list(csv.reader(io.StringIO(out.getvalue()))) == [
        ["name", "rows", "why", "more"],
        ["make", "1000", 'a "b",\nc', "1, 2"],
    ]


def test_an_empty_table_is_talk_for_a_person_and_an_empty_list_for_a_program():
    output, out, err = output_to()

    output.table(COLUMNS, [], "table", empty="there is none")
    assert (out.getvalue(), err.getvalue()) == ("", "there is none\n")

    output.table(COLUMNS, [], "json", empty="there is none")
    assert json.loads(out.getvalue()) == []


def test_on_a_narrow_terminal_the_column_that_gives_way_is_cut(narrow):
    output, out, _ = output_to(Stream(terminal=True))

    output.table(COLUMNS, ROWS, "table")

    lines = out.getvalue().splitlines()
    assert max(map(width_of, lines[1:])) <= 40
    assert lines[2].endswith("code changed: shop.nod…")


def test_on_a_narrow_terminal_the_last_column_that_can_go_goes_first(narrow):
    columns = (
        Column("run"),
        Column("started", can_go=True),
        Column("status"),
        Column("command", can_go=True),
    )
    row = {"run": "20261123-1", "started": "10:00", "status": "failed", "command": "x" * 20}
    output, out, _ = output_to(Stream(terminal=True))

    output.table(columns, [row], "table")

    assert out.getvalue().splitlines()[1] == "20261123-1  10:00    failed"


def test_a_cell_cannot_break_a_line_or_steer_the_terminal():
    output, out, _ = output_to()

    output.table((Column("name"),), [{"name": "a\nb\x1b[31mc"}], "table")

    assert out.getvalue() == "name\na b [31mc\n"


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    file, _, _ = output_to()
    terminal, _, _ = output_to(Stream(terminal=True))

    assert file.styled("bad", "bad") == "bad"
    assert terminal.styled("bad", "bad") == "\x1b[31mbad\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.styled("bad", "bad") == "bad"


def test_json_on_a_stream_without_unicode_is_escaped():
    output, out, _ = output_to(Stream(encoding="ascii"))

    output.json({"name": "Kündigung"})

    assert "\\u00fc" in out.getvalue()
    assert json.loads(out.getvalue()) == {"name": "Kündigung"}


def test_quiet_hides_talk_and_no_fault():
    output, _, err = output_to(quiet=True)

    output.talk("by the way")
    output.fault("it is broken", "mend it")

    assert err.getvalue() == "error: it is broken\n  remedy: mend it\n"


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("日本", 4), ("é", 1), ("e\u0301", 1), ("", 0)]
)
def test_wide_letters_take_two_columns_and_accents_none(text, width):
    assert width_of(text) == width


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [("abcdef", 6, "abcdef"), ("abcdef", 4, "abc…"), ("日本語", 4, "日…"), ("abc", 1, "…")],
)
def test_a_text_is_shortened_to_a_width(text, width, short):
    assert shortened(text, width, Stream()) == short
    assert width_of(short) <= width


def test_a_terminal_without_the_mark_of_shortening_gets_another():
    assert shortened("abcdef", 4, Stream(encoding="ascii")) == "abc~"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (["a", 1], "a, 1"), ({"a": 1}, '{"a": 1}'), (0, "0"), (False, "False")],
)
def test_values_are_shown_as_a_person_writes_them(value, text):
    assert text_of(value) == text


def test_a_line_of_letters_stays_as_it_is():
    assert one_line("größer als ✓") == "größer als ✓"
