"""``report`` and ``clean``: what runs leave behind, shown and taken away."""

import pytest

from tests.integration.cli.shop import Shop, blank


def files(shop: Shop) -> set[str]:
    """Return every file of the project that is not a cache of Python's."""
    return {
        path.relative_to(shop.root).as_posix()
        for path in shop.root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_report_is_written_beside_the_run_and_the_data(ran):
    done = ran.ok("report")

    assert done.stdout == "data/report.html\n"
    run = ran.ok("show", "last", "--format", "json").json["run"]
    page = (ran.root / "data" / "report.html").read_text(encoding="utf-8")
    assert page == (ran.root / ".mlops" / "runs" / run / "report.html").read_text(encoding="utf-8")
    assert run in page
    assert "Shop" in page


def test_a_report_can_go_into_a_file_of_its_own(ran, tmp_path):
    target = tmp_path / "für alle" / "page.html"

    done = ran.ok("report", "last", "--output", str(target))

    assert done.stdout == f"{target}\n"
    assert target.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_before_the_first_run_there_is_nothing_to_report(shop):
    done = shop.call("report")

    assert done.returncode == 2
    assert done.stderr == (
        "error: nothing has run here yet\n  remedy: `mlops run` makes the first run\n"
    )


def test_an_unchanged_run_leaves_the_page_and_renders_it_when_asked(shop):
    shop.ok("run")
    page = shop.root / "data" / "report.html"
    page.unlink()

    assert "report" not in shop.ok("run").stdout
    assert not page.exists()

    shop.ok("report")
    assert "total" in page.read_text(encoding="utf-8")


def test_a_report_of_a_run_whose_results_were_replaced_says_so(shop):
    shop.ok("run")
    first = shop.ok("show", "last", "--format", "json").json["run"]
    shop.ok("run", "--params", "cap=5")

    done = shop.ok("report", first)

    assert "verdict@v1.0.0 is left out: a later run has replaced it" in done.stderr
    assert done.stdout == f".mlops/runs/{first}/report.html\n"


def test_opening_a_report_calls_the_browser_with_its_address(shop, tmp_path):
    shop.ok("run")
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {seen}\n')
    browser.chmod(0o755)

    shop.ok("report", "--open", env={"BROWSER": str(browser)})

    assert seen.read_text() == (shop.root / "data" / "report.html").resolve().as_uri()


def test_clean_without_an_option_only_tells_what_would_go(shop):
    shop.write("data-of-mine.csv", "a,b\n")
    shop.ok("run")
    before = files(shop)

    done = shop.ok("clean")

    assert files(shop) == before
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "option",
        "--data",
        "--runs",
        "--journal",
        "--all",
    ]
    assert done.stderr == "nothing was removed; name an option, as in `mlops clean --data`\n"


def test_clean_asks_and_takes_no_answer_for_a_no(shop):
    shop.ok("run")
    before = files(shop)

    done = shop.ok("clean", "--data")

    assert files(shop) == before
    assert done.stderr == "nothing was removed; add --yes to do it\n"


def test_clean_takes_what_nodes_made_and_no_file_of_a_person(shop):
    shop.ok("run")
    for mine in ("data/orders/mine.csv", "data/notes.txt", "data/sample.py"):
        shop.write(mine, "a\n")

    done = shop.ok("clean", "--data", "--yes")

    assert done.stderr == "removed datasets, models, reports\n"
    assert {name for name in files(shop) if name.startswith("data/")} == {
        "data/orders/mine.csv",
        "data/notes.txt",
        "data/sample.py",
    }
    assert not (shop.root / "data" / "cleaned").exists()
    assert shop.ran() == dict.fromkeys(
        ("make_orders", "clean_orders", "count_orders", "judge"), "succeeded"
    )


def test_clean_of_runs_keeps_the_history(shop):
    shop.ok("run")

    shop.ok("clean", "--runs", "--yes")

    assert not (shop.root / ".mlops" / "runs").exists()
    assert len(shop.ok("history", "--format", "json").json) == 1
    assert set(shop.ran().values()) == {"skipped"}


def test_clean_of_all_leaves_the_project_and_the_journal_aside(shop):
    shop.ok("run")

    done = shop.ok("clean", "--all", "--yes")

    left = {name for name in files(shop) if not name.startswith("shop/")}
    assert left == {"mlops.yml", ".mlops/run.lock", ".mlops/journal-1.db"}
    assert "moved the journal to .mlops/journal-1.db" in done.stderr
    assert shop.ok("clean").stderr.startswith("there is nothing to remove")


def test_clean_for_a_program_tells_files_and_bytes(ran):
    parts = ran.ok("clean", "--format", "json").json

    assert [set(part) for part in parts] == [
        {"option", "what", "where", "files", "bytes", "note"}
    ] * len(parts)
    data = next(part for part in parts if part["option"] == "--data")
    assert data["files"] > 8
    assert data["bytes"] > 100


@pytest.mark.parametrize("form", ["table", "csv"])
def test_clean_shows_what_an_option_means(ran, form):
    assert "datasets, models, reports" in blank(ran.ok("clean", "--format", form).stdout)
