"""The tutorial from laptop to account is true; it begins where the first one ended."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.docs.pages import check, write_files

TUTORIALS = Path(__file__).parents[3] / "docs" / "tutorials"


@pytest.fixture
def folder(tmp_path):
    """The folder of the first tutorial; an emulator that was started there ends with the test."""
    write_files(TUTORIALS / "first-pipeline.md", tmp_path)
    yield tmp_path
    subprocess.run(
        [sys.executable, "-m", "sf_ml_framework", "emulator", "stop"], cwd=tmp_path, check=False
    )


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_from_laptop_to_account_runs_as_the_tutorial_shows(folder):
    check(TUTORIALS / "laptop-to-account.md", folder)
