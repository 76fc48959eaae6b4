"""Cutting SQL into tokens and statements."""

from __future__ import annotations

import pytest

from sf_ml_framework.emulator.binds import bind, settle
from sf_ml_framework.emulator.faults import SnowflakeError
from sf_ml_framework.emulator.lexer import quote, split, tokenize
from sf_ml_framework.emulator.names import parts_of
from sf_ml_framework.emulator.reader import Reader


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("select 1; select ';' ; -- ;\n select $$;$$", 3),
        ("begin; select 1; commit;", 3),
        ("begin select 1; select 2; end; select 3", 2),
        ("declare x int; begin if (x > 1) then select 1; end if; end", 1),
        ("begin for i in 1 to 3 do select case when i = 1 then 2 end; end for; end; select 1", 2),
        ("drop table if exists t; select 1", 2),
        (
            "create task t as declare x int; begin select 1; begin transaction; end; select 1",
            2,
        ),
        ("/* ; */", 0),
    ],
)
def test_a_text_is_cut_into_its_statements(sql, parts):
    assert len(split(sql)) == parts


def test_a_file_url_is_no_comment():
    assert [t.kind for t in tokenize("put file:///a/b.csv @s/x -- up")] == ["WORD", "FILE", "STAGE"]


def test_a_snow_url_ends_before_a_bracket_and_may_have_quoted_parts():
    sql = 'select $1 from snow://dataset/D."My s".N/versions/v1/( pattern => 1)'

    assert tokenize(sql)[3].text == 'snow://dataset/D."My s".N/versions/v1/'
    assert "FROM 'snow://dataset/D" in settle(sql, tokenize(sql), {}).replace("from", "FROM")


@pytest.mark.parametrize("value", ["it's", "a\\b", "\\'", "", "line\nbreak", "ünï"])
def test_a_quoted_value_reads_back_unchanged(value):
    (token,) = tokenize(quote(value))

    assert token.value == value


def test_an_open_string_is_a_syntax_error():
    with pytest.raises(SnowflakeError) as caught:
        tokenize("select 'x")

    assert caught.value.number == 1003


def test_binds_do_not_touch_literals_or_paths():
    values = {"1": {"type": "TEXT", "value": "it's"}, "2": {"type": "FIXED", "value": "-3"}}

    assert bind("select ?, '?', v:1, :2", values) == "select 'it''s', '?', v:1, (-3)"


def test_variables_and_identifiers_become_plain_text():
    sql = "create scoped temporary table identifier('d.\"My t\"') as select $x"

    assert settle(sql, tokenize(sql), {"X": "v"}) == (
        "create  temporary table D.\"My t\" as select 'v'"
    )


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a.B.c", ("A", "B", "C")),
        ('"a.b"."C""d"', ("a.b", 'C"d')),
        ("db..t", ("DB", "PUBLIC", "T")),
    ],
)
def test_a_name_falls_into_its_parts(name, parts):
    assert parts_of(name) == parts


def test_properties_are_read_with_lists_and_groups():
    found = Reader(
        "TYPE = csv NULL_IF = ('', 'x') DIRECTORY = (ENABLE = TRUE) N = -1 WITH TAG (t = 'v')"
    ).properties()

    assert str(found.pop("TYPE")) == "csv"
    assert found == {
        "NULL_IF": ["", "x"],
        "DIRECTORY": {"ENABLE": True},
        "N": -1,
        "TAG": {("T",): "v"},
    }
