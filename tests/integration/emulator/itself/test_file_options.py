"""Options of file formats that the emulator does not know are refused where they would matter."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import ProgrammingError


@pytest.mark.parametrize(
    "option",
    [
        "date_format = 'DD/MM/YYYY'",
        "time_format = 'HH24'",
        "timestamp_format = 'YYYY'",
        "binary_format = base64",
        "trim_space = true",
        "escape = '!'",
        "escape_unenclosed_field = '!'",
        "record_delimiter = ';'",
        "multi_line = false",
        "encoding = 'ISO-8859-1'",
        "replace_invalid_characters = true",
        "compression = bz2",
    ],
)
def test_an_option_that_would_be_ignored_is_refused(run, tmp_path, option):
    file = tmp_path / "a.csv"
    file.write_text("1\n")
    run("create table t (id int)")
    run("create stage st")
    run(f"put file://{file} @st")
    run(f"create file format ff type = csv {option}")

    for sql in (
        f"copy into t from @st file_format = (type = csv {option})",
        "copy into t from @st file_format = ff",
        f"copy into @st/out/ from t file_format = (type = csv {option})",
        "select $1 from @st (file_format => 'ff')",
    ):
        with pytest.raises(ProgrammingError, match=option.split(maxsplit=1)[0].upper()) as caught:
            run(sql)
        assert caught.value.errno == 2


def test_the_defaults_that_are_written_out_are_taken(run, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("1\n")
    run("create table t (id int)")
    run("create stage st")
    run(f"put file://{file} @st")

    options = (
        "date_format = auto trim_space = false escape = none encoding = 'UTF8' "
        "record_delimiter = '\\n' escape_unenclosed_field = '\\\\' multi_line = true"
    )

    assert run(f"copy into t from @st file_format = (type = csv {options})")[0][1] == "LOADED"
