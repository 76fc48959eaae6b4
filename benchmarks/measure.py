"""Run a command to its end and tell how long it took and how much memory it held at most."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command cost; memory is the largest of its processes."""

    seconds: float
    megabytes: float
    output: str


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run *command*; raises when it fails, with what it printed."""
    full = {**os.environ, **(env or {})}
    watcher = (
        "import json,os,resource,subprocess,sys,time\n"
        "start=time.perf_counter()\n"
        "done=subprocess.run(sys.argv[1:],capture_output=True,text=True)\n"
        "spent=time.perf_counter()-start\n"
        "peak=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024\n"
        "print(json.dumps([done.returncode,spent,peak,done.stdout,done.stderr]))"
    )
    import json

    done = subprocess.run(
        [sys.executable, "-S", "-c", watcher, *command],
        cwd=cwd,
        env=full,
        capture_output=True,
        text=True,
        check=True,
    )
    code, seconds, peak, out, err = json.loads(done.stdout)
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}:\n{out}\n{err}")
    return Cost(seconds, peak, out)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write *files*, texts by path, into *folder*."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def alternate(cases: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Run every case once a round, in turn, so that a noisy minute hits all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            costs[name].append(case())
    return costs


def median(runs: Sequence[Cost]) -> float:
    """Return the median of the seconds."""
    return statistics.median(each.seconds for each in runs)


def table(costs: Mapping[str, Sequence[Cost]], against: Mapping[str, str]) -> str:
    """Return a Markdown table of medians, and of each case's ratio to the one it stands against."""
    medians = {name: median(runs) for name, runs in costs.items()}
    lines = ["| case | seconds | peak MiB | ratio | to |", "|---|---:|---:|---:|---|"]
    for name, runs in costs.items():
        other = against.get(name, "")
        ratio = f"{medians[name] / medians[other]:.3f}" if other else ""
        peak = max(each.megabytes for each in runs)
        lines.append(f"| {name} | {medians[name]:.3f} | {peak:.0f} | {ratio} | {other} |")
    return "\n".join(
        [*lines, "", f"Medians; one core takes {_core()}; Python {sys.version.split()[0]}."]
    )


def _core() -> str:
    """Return how long this machine takes for a fixed piece of Python, to compare machines by."""
    start = time.perf_counter()
    sum(number * number for number in range(3_000_000))
    return f"{time.perf_counter() - start:.3f} s for 3,000,000 squares"
