"""The tutorial is true: its files are written and its commands print what it shows."""

from pathlib import Path

from tests.integration.docs.pages import run

PAGE = Path(__file__).parents[3] / "docs" / "tutorials" / "first-pipeline.md"


def test_the_first_pipeline_runs_as_the_tutorial_shows(tmp_path):
    assert run(PAGE, tmp_path) == []
