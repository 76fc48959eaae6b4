"""What goes wrong is told in two lines, with an exit code for whoever must act."""

import errno

import pytest

from sf_ml_framework.cli import faults
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.errors import (
    DataError,
    Fault,
    ManifestError,
    NodeError,
    OperatorError,
    PlatformError,
    UsageError,
)
from tests.unit.cli.streams import output_to


def told(error: Exception, *arguments: str) -> tuple[int, str]:
    """Raise and tell *error*, and return exit code and text."""
    invocation = Invocation(arguments)
    invocation.output, out, err = output_to()
    try:
        raise error
    except Exception as caught:
        code = faults.tell(caught, invocation)
    assert out.getvalue() == ""
    return code, err.getvalue()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no", remedy="do"), 2),
        (DataError("no", remedy="do"), 3),
        (OperatorError("no", remedy="do"), 3),
        (PlatformError("no", remedy="do"), 4),
        (NodeError("no", node="make", remedy="do"), 1),
    ],
)
def test_a_fault_has_an_exit_code_and_a_remedy(error, code):
    assert told(error) == (code, "error: no\n  remedy: do\n")


def test_faults_of_a_declaration_each_stand_at_their_place():
    error = ManifestError(
        [
            Fault(message="node 'a' waits", remedy="turn it", place="shop/pipeline.py:7"),
            Fault(message="it has no name"),
        ]
    )

    assert told(error) == (
        2,
        "shop/pipeline.py:7: error: node 'a' waits\n"
        "  remedy: turn it\n"
        "error: it has no name\n"
        "the pipeline has 2 faults\n",
    )


def test_the_author_s_traceback_is_told_before_the_error():
    error = NodeError("node 'a' failed: ValueError", node="a", trace="Traceback:\n  line 3")

    assert told(error)[1].splitlines() == [
        "Traceback:",
        "  line 3",
        "error: node 'a' failed: ValueError",
    ]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "make it readable"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "cannot be written"),
        (errno.EMFILE, "see what the system says"),
    ],
)
def test_what_the_system_refuses_is_for_the_operator(number, remedy):
    code, text = told(OSError(number, "it does not like it", "data/rows.csv"))

    assert code == 3
    assert text.startswith("error: data/rows.csv: it does not like it\n  remedy: ")
    assert remedy in text


def test_our_own_fault_is_owned_and_has_no_traceback():
    code, text = told(KeyError("oops"))

    assert code == 4
    assert "KeyError: 'oops'" in text
    assert "a fault of mlops, not yours" in text
    assert "Traceback" not in text


def test_debug_shows_our_traceback_too():
    code, text = told(KeyError("oops"), "list", "--debug")

    assert code == 4
    assert text.startswith("Traceback (most recent call last):")
    assert "test_faults.py" in text
