"""Processes that are told apart: when one began, and what the lock of deployments calls it.

``host:process``, and where the system tells them ``:boot.namespace.start``: containers may share a
host's name and know nothing of each other's processes, and a process's number is given again.

Source: Linux, proc(5): ``/proc/sys/kernel/random/boot_id``, ``/proc/self/ns/pid``,
``/proc/[pid]/stat`` (the 22nd field, in ticks since the boot).
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

_WRITTEN = re.compile(
    r"(?P<host>.+?):(?P<process>\d{1,9})(?::(?P<place>[0-9a-f]+\.\d+)\.(?P<start>\d+))?"
)


def client() -> str:
    """Return this machine and process, as the lock names them."""
    named = f"{socket.gethostname()}:{os.getpid()}"
    place = _place()
    return f"{named}:{place}.{birth(os.getpid())}" if place else named


def is_dead(written: str) -> bool:
    """Say whether the process of that name is known to be dead: one of here, gone or replaced.

    One that an older version wrote, without boot and namespace, is of here if the host is.
    """
    found = _WRITTEN.fullmatch(written)
    if not found or found["host"] != socket.gethostname():
        return False
    if found["place"] and found["place"] != _place():
        return False
    process = int(found["process"])
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # Another user's process lives too.
        pass
    now = birth(process)
    return bool(found["start"] and now and found["start"] != now)


def _place() -> str:
    """Return what no two systems of processes have in common; empty where it is not told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        namespace = Path("/proc/self/ns/pid").readlink().name
    except (OSError, ValueError):
        return ""
    number = re.sub(r"\D", "", namespace)
    return f"{boot.partition('-')[0]}.{number}" if number else ""


def birth(pid: int) -> str:
    """Return when a process began, in the system's own words; empty when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return "" if Path("/proc/self/stat").exists() else _birth_by_ps(pid)
    except ProcessLookupError:
        return ""
    fields = text.rpartition(")")[2].split()
    # A zombie has ended; only nobody has asked for its exit code.
    return "" if fields[0] == "Z" else fields[19]


def _birth_by_ps(pid: int) -> str:
    """Return it where the system has no /proc, as on macOS."""
    done = subprocess.run(  # noqa: S603
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, started = done.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()
