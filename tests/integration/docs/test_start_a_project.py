"""The page on starting a project is true; its `make` gets the environment of these tests."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.docs.pages import check

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "start-a-project.md"
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "t"), ("EMAIL", "t@example.com"))
}


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_a_project_is_started_as_the_page_shows(tmp_path):
    environment = {"MAKEFLAGS": f"BIN={Path(sys.executable).parent}", "NO_COLOR": "1", **WHO}
    try:
        check(PAGE, tmp_path, exports=environment)
    finally:
        mlops = [sys.executable, "-m", "sf_ml_framework"]
        subprocess.run([*mlops, "emulator", "stop"], cwd=tmp_path / "parcels", check=False)
