"""What is told of known vulnerabilities, and of a service that nobody reaches."""

import pytest

KNOWN = {"name": "a", "version": "1.0", "vulns": []}
BAD = {
    "name": "b",
    "version": "2.0",
    "vulns": [
        {"id": "CVE-1", "fix_versions": ["2.1", "3.0"]},
        {"id": "CVE-2", "fix_versions": []},
    ],
}
NOT_KNOWN = {"name": "c", "skip_reason": "Dependency not found"}


def test_each_vulnerability_is_a_line_with_what_mends_it(script):
    found = script("audit").answer_of({"dependencies": [KNOWN, BAD, NOT_KNOWN]})

    assert found.vulnerable == (
        "b 2.0: CVE-1, mended in 2.1, 3.0",
        "b 2.0: CVE-2, mended in no version yet",
    )
    assert found.not_known == ("c",)
    assert found.reached


@pytest.mark.parametrize("report", [None, {"dependencies": [NOT_KNOWN, NOT_KNOWN]}])
def test_a_service_that_knows_nothing_was_not_reached(script, report):
    assert not script("audit").answer_of(report).reached


@pytest.mark.parametrize(
    ("answer", "strict", "code"),
    [
        ({"dependencies": [KNOWN]}, True, 0),
        ({"dependencies": [KNOWN, BAD]}, False, 1),
        ({"dependencies": [KNOWN, NOT_KNOWN]}, False, 0),
        ({"dependencies": [KNOWN, NOT_KNOWN]}, True, 1),
        (None, False, 0),
        (None, True, 1),
    ],
)
def test_it_fails_where_something_is_known_and_strictly_where_nobody_answers(
    script, monkeypatch, capsys, answer, strict, code
):
    audit = script("audit")
    monkeypatch.setattr(audit, "ask", lambda file: audit.answer_of(answer))
    monkeypatch.setattr("sys.argv", ["audit", *["--strict"] * strict, "requirements/dev.txt"])

    assert audit.main() == code
    if answer is None:
        assert "requirements/dev.txt: not asked about" in capsys.readouterr().err
