"""The emulator under load: many clients at once, and a large graph of tasks with real processes.

    python benchmarks/emulator_load.py [--clients 16] [--statements 2000] [--tasks 200] [--width 10]

Clients: each has a connection of the official connector and sends its share of statements, half of
which change rows: of a table that all share, and of its own. What they counted is compared with
what is there at the end. Graph: a root and tasks in *width* chains below it; the body of each is
EXECUTE JOB SERVICE, and so a process of its own. The server runs in a process of its own too.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from emulator import emulator

JOB = """execute job service in compute pool load from specification $$
spec:
  containers:
  - name: main
    image: /load/s/images/step:1
    command: ["true"]
    resources:
      requests: {cpu: 100m, memory: 64Mi}
$$"""
_SECONDS = 1200


def connect(port: int) -> Any:
    """Open a connection; the database is made when it is not there."""
    import snowflake.connector

    return snowflake.connector.connect(
        account="emulator",
        user="mlops",
        password="mlops",
        host="127.0.0.1",
        port=port,
        protocol="http",
        role="ACCOUNTADMIN",
        warehouse="COMPUTE_WH",
        network_timeout=300,
        login_timeout=120,
    )


def client(port: int, number: int, count: int) -> list[float]:
    """Send *count* statements and return the seconds that each took."""
    taken = []
    with contextlib.closing(connect(port)) as connection:
        cursor = connection.cursor()
        cursor.execute("use schema load.s")
        cursor.execute(f"create table own_{number} (k int, v float)")
        kinds = (
            f"insert into own_{number} values (1, 0.5), (2, 1.5)",
            f"select count(*), sum(v) from own_{number}",
            "update shared set n = n + 1",
            "select s.n, o.k from shared s cross join (select 1 as k) o",
        )
        for index in range(count):
            start = time.perf_counter()
            cursor.execute(kinds[index % len(kinds)]).fetchall()
            taken.append(time.perf_counter() - start)
    return taken


def clients(port: int, many: int, statements: int) -> str:
    """Measure many clients at once.

    Raises:
        RuntimeError: an update or a row was lost.
    """
    with contextlib.closing(connect(port)) as connection:
        cursor = connection.cursor()
        cursor.execute("create table load.s.shared as select 0 as n")
        share = statements // many
        start = time.perf_counter()
        with ThreadPoolExecutor(many) as pool:
            found = list(pool.map(lambda number: client(port, number, share), range(many)))
        whole = time.perf_counter() - start
        updates = many * len(range(2, share, 4))
        counted = cursor.execute("select n from load.s.shared").fetchone()[0]
        rows = sum(
            cursor.execute(f"select count(*) from load.s.own_{n}").fetchone()[0]
            for n in range(many)
        )
    if (counted, rows) != (updates, many * 2 * len(range(0, share, 4))):
        raise RuntimeError(f"{counted} of {updates} updates are there, and {rows} rows")
    taken = sorted(one for each in found for one in each)
    middle, late = statistics.median(taken) * 1000, taken[int(len(taken) * 0.95)] * 1000
    return (
        f"| {many} clients, {len(taken)} statements | {whole:.1f} s "
        f"| {len(taken) / whole:.0f} a second, median {middle:.0f} ms, 95% {late:.0f} ms, "
        "nothing lost |"
    )


def graph(port: int, tasks: int, width: int) -> list[str]:
    """Measure a graph: its statements, its run.

    Raises:
        RuntimeError: a task did not succeed, or the run takes too long.
    """
    with contextlib.closing(connect(port)) as connection:
        run = connection.cursor().execute
        run("use schema load.s")
        run(
            "create compute pool load min_nodes = 1 max_nodes = 2 instance_family = CPU_X64_M "
            "initially_suspended = false"
        )
        start = time.perf_counter()
        run(f"create task t0 as {JOB}")
        for number in range(1, tasks):
            run(f"create task t{number} after t{max(0, number - width)} as {JOB}")
        run("select system$task_dependents_enable('t0')")
        made = time.perf_counter() - start
        run("execute task t0")
        start = time.perf_counter()
        states: dict[str, int] = {}
        while sum(states.get(s, 0) for s in ("SUCCEEDED", "FAILED", "SKIPPED")) < tasks:
            if time.perf_counter() - start > _SECONDS:
                raise RuntimeError(f"the graph takes too long: {states}")
            time.sleep(0.5)
            found = run(
                "select state, count(*) from table(information_schema.task_history("
                "result_limit => 10000)) where name like 'T%' group by state"
            ).fetchall()
            states = {str(state): int(count) for state, count in found}
        whole = time.perf_counter() - start
        run("alter task t0 suspend")
    if states.get("SUCCEEDED", 0) < tasks or set(states) - {"SUCCEEDED", "SCHEDULED"}:
        raise RuntimeError(f"the tasks ended as {states}")
    return [
        f"| {tasks} tasks created and resumed | {made:.1f} s | {made / tasks * 1000:.0f} ms each |",
        f"| the graph run, a process for each task | {whole:.1f} s "
        f"| {tasks / whole:.1f} tasks a second, {width} chains, all succeeded |",
    ]


def prepare(port: int, folder: Path) -> None:
    """Make the database and the image."""
    import subprocess

    with contextlib.closing(connect(port)) as connection:
        for sql in (
            "create database load",
            "create schema load.s",
            "create image repository load.s.images",
        ):
            connection.cursor().execute(sql)
    command = [sys.executable, "-m", "sf_ml_framework.emulator", "image", "add"]
    command += ["/load/s/images/step:1", "--project", str(folder)]
    command += ["--url", f"http://127.0.0.1:{port}", "--password", "mlops"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--statements", type=int, default=2000)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--width", type=int, default=10)
    given = parser.parse_args()
    lines = ["| what | took | |", "|---|---:|---|"]
    with tempfile.TemporaryDirectory() as folder, emulator() as (_, port):
        prepare(port, Path(folder))
        lines.append(clients(port, given.clients, given.statements))
        lines += graph(port, given.tasks, given.width)
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
