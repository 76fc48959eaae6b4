"""This process as the lock of deployments names it, and whether another one named so is dead.

``host:process``, and where the system tells them ``:boot.namespace.start``: containers may share a
host's name and know nothing of each other's processes, and a process's number is given again.

Source: Linux, proc(5): ``/proc/sys/kernel/random/boot_id``, ``/proc/self/ns/pid``,
``/proc/[pid]/stat`` (the 22nd field, in ticks since the boot).
"""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

_WRITTEN = re.compile(
    r"(?P<host>.+?):(?P<process>\d{1,9})(?::(?P<place>[0-9a-f]+\.\d+)\.(?P<start>\d+))?"
)


def client() -> str:
    """Return this machine and process, as the lock names them."""
    place, start = _place(), _start(os.getpid())
    return f"{socket.gethostname()}:{os.getpid()}" + (
        f":{place}.{start}" if place and start else ""
    )


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
    now = _start(process)
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


def _start(process: int) -> str:
    """Return when a process began, in ticks since the boot; empty where it is not told."""
    try:
        fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
        return fields[19].decode("ascii")
    except (OSError, ValueError, IndexError):
        return ""
