"""The same program in front of a person: a real terminal of a given size."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios

import pytest

from tests.integration.cli.shop import Shop, blank
from tests.unit.cli.streams import plain


def on_terminal(shop: Shop, *words: str, columns: int = 80, env: dict[str, str] | None = None):
    """Call the program on a terminal, and return its exit code and all that it drew."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        shop.command(*words),
        cwd=shop.root,
        env=shop.environment({"TERM": "xterm-256color", **(env or {})}),
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    drawn = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            # What Linux says when the last one who writes has closed the terminal.
            break
        if not chunk:
            break
        drawn += chunk
    os.close(ours)
    return process.wait(60), drawn.decode("utf-8", errors="replace").replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_run_leaves_a_checklist_and_a_summary(shop, columns):
    code, drawn = on_terminal(shop, "run", columns=columns)

    assert code == 0, drawn
    lines = blank(plain(drawn)).splitlines()
    for node in ("make_orders", "clean_orders", "count_orders", "judge"):
        assert any(line.startswith(f"  ✓ {node}") for line in lines), lines
    assert any(line.startswith("4 nodes: 4 succeeded in") for line in lines)
    assert lines[-1] == "report   data/report.html"
    assert "\x1b[32m" in drawn
    assert drawn.rstrip().count("\x1b[?25l") == drawn.count("\x1b[?25h"), "the cursor is back"


def test_no_color_is_respected(shop):
    _, drawn = on_terminal(shop, "run", env={"NO_COLOR": "1"})

    assert "✓ make_orders" in drawn
    assert "\x1b[32m" not in drawn
    assert "\x1b[1m" not in drawn


def test_a_terminal_without_unicode_gets_plain_marks(shop):
    code, drawn = on_terminal(shop, "run", env={"PYTHONIOENCODING": "ascii"})

    assert code == 0, drawn
    assert "+ make_orders" in plain(drawn)


def test_a_failure_is_told_below_the_list(shop):
    shop.change("shop/nodes.py", "min(price, cap)", "1 / 0")

    code, drawn = on_terminal(shop, "run")

    lines = blank(plain(drawn)).splitlines()
    assert code == 1
    assert any(line.startswith("  ✗ clean_orders") for line in lines)
    assert any(line.startswith("  ○ judge") for line in lines)
    assert "error: node 'clean_orders' failed: ZeroDivisionError: division by zero" in lines
    assert lines[-1] == "resume   python -m sf_ml_framework run"


def test_a_table_fits_into_the_terminal(shop):
    on_terminal(shop, "run", "--params", "cap=5")

    for command in ("history", "list", "clean"):
        _, drawn = on_terminal(shop, command, columns=80)
        lines = plain(drawn).splitlines()
        assert max(map(len, lines)) <= 80, drawn


def test_clean_asks_before_it_removes(shop):
    shop.ok("run")
    ours, its = pty.openpty()
    process = subprocess.Popen(
        shop.command("clean", "--data"),
        cwd=shop.root,
        env=shop.environment(),
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    os.write(ours, b"y\n")
    assert process.wait(60) == 0
    os.close(ours)

    assert not (shop.root / "data" / "orders").exists()
