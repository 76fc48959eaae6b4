"""The tutorial is true: its files are written and its commands print what it shows."""

from pathlib import Path

from tests.integration.docs.pages import check, write_files

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "tutorials" / "first-pipeline.md"
HOW_TO = DOCS / "how-to"


def test_the_first_pipeline_runs_as_the_tutorial_shows(tmp_path):
    check(PAGE, tmp_path)


def test_traces_are_sent_and_shown_as_the_how_to_page_says(tmp_path):
    write_files(PAGE, tmp_path)

    check(HOW_TO / "send-traces.md", tmp_path)
