"""A run that was killed left a record that says it runs; no command believes it."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.integration.cli.shop import Shop
from tests.waiting import until

SLOW = '''def clean(orders: dict, *, cap: float = 100.0) -> dict:
    """Never end."""
    import threading

    threading.Event().wait(60)
    return orders'''


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A project that ran and ran again, and was killed while one of its nodes ran."""
    shop = Shop(tmp_path_factory.mktemp("killed") / "shop")
    shop.ok("run")
    text = (shop.root / "shop" / "nodes.py").read_text(encoding="utf-8")
    begins = text.index("def clean(")
    shop.write("shop/nodes.py", text[:begins] + SLOW + "\n\n\n" + text[text.index("def count(") :])
    with subprocess.Popen(
        shop.command("run"),
        cwd=shop.root,
        env=shop.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        until(lambda: _cleans(shop))
        process.send_signal(signal.SIGKILL)
    return shop


def _cleans(shop):
    found = json.loads(shop.call("show", "last", "--format", "json").stdout)
    return ("clean_orders", "running") in {
        (each["node"], each["status"]) for each in found["nodes"]
    }


def listed(shop, *words):
    return [each["status"] for each in shop.ok("history", "--format", "json", *words).json]


def test_history_lists_it_among_those_that_were_cancelled(killed):
    assert listed(killed) == ["cancelled", "succeeded"]
    assert listed(killed, "--status", "running") == []
    assert listed(killed, "--status", "cancelled") == ["cancelled"]
    assert listed(killed, "--status", "succeeded") == ["succeeded"]
    assert listed(killed, "--status", "cancelled", "--limit", "1") == ["cancelled"]


def test_diff_compares_it_as_one_that_was_cancelled(killed):
    found = killed.ok("diff", "--format", "json").json

    assert (found["first"]["status"], found["second"]["status"]) == ("succeeded", "cancelled")
    assert "running" not in json.dumps(found["statuses"])


def test_trace_shows_it_as_cancelled(killed):
    spans = killed.ok("trace", "last", "--format", "json").json

    statuses = {each["span"]: each["status"] for each in spans}
    assert statuses["clean_orders"] == "cancelled"
    assert "running" not in statuses.values()


def test_its_report_says_that_it_was_cancelled(killed):
    killed.ok("report", "--output", "page.html")

    page = (killed.root / "page.html").read_text(encoding="utf-8")
    assert "its process was killed" in page
