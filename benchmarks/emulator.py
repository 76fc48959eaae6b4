"""How soon the emulator answers, beside plain fakesnow's server in the same run.

    python benchmarks/emulator.py [--rounds 5] [--statements 200]

Prints medians: the start of the process until its first line, ``SELECT 1`` and a one-row SELECT
from a table through the official connector, and the ratios to fakesnow. Both servers run in
processes of their own and are asked in turn, so that a noisy minute hits both.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

FAKESNOW = (
    "import sys, uvicorn; from fakesnow.server import app; "
    "uvicorn.run(app, port=int(sys.argv[1]), log_level='critical')"
)
STATEMENTS = {"select 1": "select 1", "one row": "select v from bench where k = 7"}


@contextlib.contextmanager
def emulator() -> Iterator[tuple[float, int]]:
    """Start the emulator; give the seconds until its line, and its port."""
    command = [sys.executable, "-m", "sf_ml_framework.emulator", "--port", "0"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        seconds = time.perf_counter() - start
        match = re.search(r":(\d+) ", line)
        if match is None:
            raise RuntimeError(f"the emulator said {line!r}")
        yield seconds, int(match[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@contextlib.contextmanager
def fakesnow() -> Iterator[tuple[float, int]]:
    """Start fakesnow's server; give the seconds until it answers, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", FAKESNOW, str(port)])
    try:
        while not _answers(port):
            if process.poll() is not None:
                raise RuntimeError("fakesnow ended")
            time.sleep(0.01)
        yield time.perf_counter() - start, port
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def connect(port: int, *, ours: bool) -> Any:
    """Open a connection with a table to read."""
    import snowflake.connector

    connection = snowflake.connector.connect(
        account="emulator" if ours else "fakesnow",
        user="mlops",
        password="mlops",
        host="127.0.0.1",
        port=port,
        protocol="http",
        role="ACCOUNTADMIN",
        warehouse="COMPUTE_WH",
        network_timeout=60,
        login_timeout=30,
    )
    cursor = connection.cursor()
    for sql in (
        "create database if not exists bench",
        "create schema if not exists bench.s",
        "use schema bench.s",
        "create table bench (k int, v int)",
        "insert into bench select seq4(), seq4() * 2 from table(generator(rowcount => 1000))",
    ):
        cursor.execute(sql)
    return connection


def measure(connections: dict[str, Any], sql: str, count: int) -> dict[str, list[float]]:
    """Run *sql* on each connection in turn, *count* times each."""
    taken: dict[str, list[float]] = {name: [] for name in connections}
    for _ in range(count):
        for name, connection in connections.items():
            start = time.perf_counter()
            connection.cursor().execute(sql).fetchall()
            taken[name].append(time.perf_counter() - start)
    return taken


def _line(what: str, ours: list[float], peer: list[float], unit: float) -> str:
    mine, theirs = statistics.median(ours) * unit, statistics.median(peer) * unit
    return f"| {what} | {mine:.2f} | {theirs:.2f} | {mine / theirs:.2f} |"


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="starts of each server")
    parser.add_argument("--statements", type=int, default=200, help="statements of each kind")
    chosen = parser.parse_args()
    starts: dict[str, list[float]] = {"ours": [], "fakesnow": []}
    for _ in range(chosen.rounds):
        for name, begin in (("ours", emulator), ("fakesnow", fakesnow)):
            with begin() as (seconds, _port):
                starts[name].append(seconds)
    lines = ["| what | emulator | fakesnow | ratio |", "|---|---:|---:|---:|"]
    lines.append(_line("start, s", starts["ours"], starts["fakesnow"], 1))
    with emulator() as (_, port), fakesnow() as (_, other):
        connections = {"ours": connect(port, ours=True), "fakesnow": connect(other, ours=False)}
        for what, sql in STATEMENTS.items():
            measure(connections, sql, 10)
            taken = measure(connections, sql, chosen.statements)
            lines.append(_line(f"{what}, ms", taken["ours"], taken["fakesnow"], 1000))
        for connection in connections.values():
            connection.close()
    sys.stdout.write("\n".join([*lines, "", "Medians; privileges are checked here.", ""]))


if __name__ == "__main__":
    main()
