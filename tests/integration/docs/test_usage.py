"""USAGE.md is true: every command on it prints what it shows."""

from pathlib import Path

import pytest

from tests.integration.churn.conftest import Clone
from tests.integration.docs.pages import check

PAGE = Path(__file__).parents[3] / "USAGE.md"


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_usage_shows_what_the_commands_print(tmp_path):
    clone = Clone(tmp_path / "clone")
    try:
        check(PAGE, clone.folder)
    finally:
        clone.shell("mlops emulator stop")
