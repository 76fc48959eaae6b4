"""Snowflake Scripting through the official connector."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import ProgrammingError


@pytest.fixture
def numbers(run):
    run("create table numbers as select column1 as n from values (1), (2), (3)")


@pytest.mark.parametrize(
    ("block", "value"),
    [
        (
            "begin let i := 0; loop i := i + 1; if (i > 4) then break; end if; end loop; "
            "return i; end",
            5,
        ),
        ("begin let i := 0; repeat i := i + 1; until (i > 4) end repeat; return :i; end", 5),
        ("begin let i := 0; while (i < 3) do i := i + 1; end while; return i; end", 3),
        ("begin let i := 0; while (i < 3) loop i := i + 1; end loop; return i; end", 3),
        ("begin let s := ''; for i in 1 to 3 do s := s || i; end for; return s; end", "123"),
        (
            "begin let s := ''; for i in reverse 1 to 3 do s := s || i; end for; return s; end",
            "321",
        ),
        (
            "begin let s := ''; for i in 1 to 4 do if (i = 2) then continue; end if; "
            "s := s || i; end for; return s; end",
            "134",
        ),
        ("begin case (2) when 1 then return 'one'; when 2 then return 'two'; end; end", "two"),
        ("begin case when 1 > 2 then return 'a'; else return 'b'; end case; end", "b"),
        ("begin case (9) when 1 then return 'one'; end; return 'none'; end", "none"),
        ("begin return; end", None),
    ],
)
def test_branches_and_loops(run, block, value):
    """Source: Snowflake, "Working with loops", "Working with conditional logic"."""
    assert run(block) == [(value,)]


def test_a_cursor_gives_its_rows_one_by_one(run, numbers):
    """Source: Snowflake, "Working with cursors"."""
    found = run(
        """declare
            total int default 0;
            n int;
            c cursor for select n from numbers where n > ? order by n;
        begin
            open c using (1);
            fetch c into n;
            total := n * 10;
            fetch c into n;
            total := total + n;
            fetch c into n;
            close c;
            return total || '/' || nvl(n, -1);
        end"""
    )

    assert found == [("23/-1",)]


def test_a_cursor_is_looped_over_and_returned(run, numbers):
    summed = run(
        "declare total int default 0; c cursor for select n from numbers; begin "
        "for row_ in c do total := total + row_.n; end for; return total; end"
    )
    table = run(
        "begin let c cursor for select n from numbers order by n; open c; "
        "return table(resultset_from_cursor(c)); end"
    )

    assert summed == [(6,)]
    assert table == [(1,), (2,), (3,)]


def test_a_cursor_reads_a_result(run, numbers):
    assert run(
        "begin let r resultset := (select n from numbers order by n desc); let c cursor for r; "
        "let n := 0; open c; fetch c into :n; return n; end"
    ) == [(3,)]


RAISES = "declare mine exception (-20002, 'It broke.'); begin raise mine; "


@pytest.mark.parametrize(
    ("block", "value"),
    [
        (
            RAISES + "exception when mine then return sqlcode || sqlerrm || sqlstate; end",
            "-20002It broke.P0001",
        ),
        (RAISES + "exception when other then return 'other'; end", "other"),
        (
            "declare mine exception (-20002, 'x'); begin begin raise mine; exception "
            "when statement_error then return 'wrong'; end; "
            "exception when mine then return 'right'; end",
            "right",
        ),
        ("begin select 1 / 0; exception when statement_error then return sqlcode; end", 100051),
        (
            "begin begin select 1 / 0; exception when other then raise; end; "
            "exception when other then return 'again ' || sqlcode; end",
            "again 100051",
        ),
    ],
)
def test_exceptions_are_raised_and_handled(run, block, value):
    """Source: Snowflake, "Handling exceptions"."""
    ((found,),) = run(block)

    assert str(found) == str(value)


def test_an_exception_that_nobody_handles_is_the_statements(run):
    with pytest.raises(ProgrammingError) as caught:
        run("declare mine exception (-20002, 'It broke.');\nbegin\n  raise mine;\nend")

    assert caught.value.errno == -20002
    assert caught.value.sqlstate == "P0001"
    assert "Uncaught exception of type 'MINE' on line 3 at position 2 : It broke." in str(
        caught.value
    )


def test_the_answer_of_a_procedure_goes_into_a_variable(run):
    run("create procedure p(n int) returns int language sql as 'begin return n * 2; end'")

    assert run("begin let x := 0; call p(4) into :x; return x; end") == [(8,)]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("begin raise nothing; end", "NOTHING"),
        ("begin raise; end", "RAISE"),
        ("begin break; end", "loop"),
        ("begin loop break outer_one; end loop; end", "BREAK with a label"),
        ("begin open c; end", "C"),
        ("declare c cursor for select 1; begin let x := 0; fetch c into x; end", "not open"),
        (
            "declare c cursor for select 1, 2; begin let x := 0; open c; fetch c into x; end",
            "2 columns",
        ),
        ("declare c cursor for select ?; begin open c; end", "1 marks"),
        ("declare c cursor for select 1; begin open c; fetch c into x; end", "X"),
        ("begin for x in nothing do null; end for; end", "nothing"),
        ("begin for x in null to 2 do null; end for; end", "whole number"),
        ("begin let x := ; end", "X"),
        ("begin let x := call p(1); end", "CALL"),
        ("begin x := 1; end", "X"),
        ("begin return table; end", None),
        ("begin return table(); end", None),
        ("begin let r := 1; return r.; end", None),
        ("begin loop null; end", None),
        ("begin select 1; exception when other continue then null; end", "CONTINUE"),
    ],
)
def test_what_is_wrong_in_a_block_is_refused(run, block, words):
    with pytest.raises(ProgrammingError, match=words) as caught:
        run(block)

    assert caught.value.errno != 603


@pytest.mark.parametrize(
    "body",
    [
        "while (true) do null; end while",
        "loop null; end loop",
        "repeat null; until (false) end repeat",
    ],
)
def test_a_loop_without_end_is_cancelled(connection, body):
    with pytest.raises(ProgrammingError) as caught:
        connection.cursor().execute(f"begin {body}; end", timeout=1)

    assert caught.value.errno == 604


def test_several_blocks_are_told_apart(connection):
    cursor = connection.cursor()
    cursor.execute(
        "begin let i := 0; while (i < 1) loop i := i + 1; end loop; return i; end; select 'after'",
        num_statements=2,
    )
    first = cursor.fetchall()
    cursor.nextset()

    assert (first, cursor.fetchall()) == ([(1,)], [("after",)])
