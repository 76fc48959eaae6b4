import json
import logging

from sf_ml_framework.run.logs import JsonFormatter, LoggedLines, tail


def test_the_tail_is_the_last_lines(tmp_path):
    file = tmp_path / "node.log"
    file.write_text("".join(f"line {number}\n" for number in range(100)))

    assert tail(file, 2) == ("line 98", "line 99")


def test_a_long_log_is_not_read_whole(tmp_path):
    file = tmp_path / "node.log"
    file.write_text("x" * 100_000 + "\nlast\n")

    assert tail(file) == ("last",)


def test_bytes_that_are_no_text_are_shown_all_the_same(tmp_path):
    file = tmp_path / "node.log"
    file.write_bytes(b"caf\xe9\n")

    assert tail(file) == ("caf\N{REPLACEMENT CHARACTER}",)


def test_a_log_that_is_not_there_has_no_lines(tmp_path):
    assert tail(tmp_path / "none.log") == ()


def test_a_record_becomes_one_line_of_json():
    try:
        raise ValueError("no")
    except ValueError as error:
        record = logging.LogRecord(
            "nodes", logging.ERROR, "f.py", 1, "%s\nfailed", ("it",), (type(error), error, None)
        )

    text = JsonFormatter(node="train").format(record)

    assert "\n" not in text
    line = json.loads(text)
    assert line["body"].startswith("it\nfailed\n")
    assert "ValueError: no" in line["body"]
    assert (line["severity_text"], line["scope"]["name"]) == ("ERROR", "nodes")
    assert line["attributes"] == {"node": "train"}


def test_what_is_printed_is_logged_line_by_line(caplog):
    stream = LoggedLines(logging.getLogger("stdout"))
    with caplog.at_level(logging.INFO):
        print("one\ntwo", file=stream)
        print("half", end="", file=stream)
        stream.close()

    assert [record.getMessage() for record in caplog.records] == ["one", "two", "half"]
