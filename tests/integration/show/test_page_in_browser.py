"""The page of a run, as a browser shows it: by day and by night, on a phone and on a desk."""

from __future__ import annotations

import msgspec
import pytest

from sf_ml_framework import Report
from sf_ml_framework.run.records import Reason
from sf_ml_framework.show.page import render
from tests.integration.show import browser as chromium
from tests.integration.show.checks import (
    CONTRAST,
    LETTERS_OUTSIDE,
    OVERFLOW,
    PICTURES,
    SMALLEST_NAME,
)
from tests.unit.show import runs

WIDTHS = [390, 1440]
SCHEMES = ["light", "dark"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    program = chromium.find()
    if not program:
        pytest.skip(f"no browser on the PATH: looked for {', '.join(chromium.NAMES)}")
    with chromium.started(program, str(tmp_path_factory.mktemp("profile"))) as tab:
        yield tab


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page with everything on it: a failure, long words, wide tables, pictures that clash."""
    nodes = runs.node_runs()
    word = "total_spend_per_month_over_the_last_twelve_months_and_more_of_the_same_kind"
    nodes[4] = msgspec.structs.replace(
        nodes[4], status="failed", error=f"node 'train_model' failed: ValueError: NaN in {word}",
        remedy="mend the function", trace=f'  File "src/nodes/a.py", line 8\n    {word * 3}',
        log_tail=("fold 1", word * 3), params={word: [word] * 3},
    )  # fmt: skip
    nodes[5] = msgspec.structs.replace(
        nodes[5], status="cancelled", reason=Reason(kind="not_started")
    )
    reports = runs.reports()
    reports["training_report"] = Report(
        title="Training",
        metrics={word: 0.5, "threshold": 0.31},
        tables={"Wide": [{f"{word}_{i}": i for i in range(9)}]},
        figures={"One": runs.PICTURE, "Two": runs.PICTURE},
        notes=[word * 4],
    )
    file = tmp_path_factory.mktemp("page") / "run.html"
    file.write_text(render(runs.run("failed"), nodes, runs.manifest(), reports), encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_asks_for_nothing_and_complains_of_nothing(browser, address, width, scheme):
    browser.open(address, width=width, scheme=scheme)

    asked = [url for url in browser.requests if not url.startswith("data:")]
    assert asked == [address]
    assert browser.complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_never_scrolls_sideways(browser, address, width):
    browser.open(address, width=width)

    assert browser.run(OVERFLOW) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_word_stands_out_from_its_ground(browser, address, width, scheme):
    """4.5 to 1 is what WCAG 2 asks for at level AA."""
    browser.open(address, width=width, scheme=scheme)

    assert browser.run(CONTRAST) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_picture_is_drawn_and_has_a_text_for_who_cannot_see_it(browser, address, width):
    browser.open(address, width=width)

    assert browser.run("document.images.length") == 4
    assert browser.run(PICTURES) == []


def test_night_is_dark_and_pictures_keep_their_light_paper(browser, address):
    browser.open(address, width=1440, scheme="dark")

    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 30)"
    paper = "getComputedStyle(document.querySelector('figure .paper')).backgroundColor"
    assert browser.run(paper) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", WIDTHS)
def test_one_graph_is_shown_and_every_word_of_it_is_in_its_box(browser, address, width):
    browser.open(address, width=width)

    shown = "[...document.querySelectorAll('.dag')].filter(e => e.checkVisibility()).length"
    assert browser.run(shown) == 1
    assert browser.run(LETTERS_OUTSIDE) == []


def test_the_narrow_graph_is_large_enough_to_read(browser, address):
    browser.open(address, width=390)

    assert browser.run(SMALLEST_NAME) >= 9.5


def test_print_leaves_out_what_only_a_screen_needs(browser, address):
    browser.open(address, width=1000, media="print", scheme="dark")

    assert browser.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run(OVERFLOW) == []
    assert browser.run(CONTRAST) == []
