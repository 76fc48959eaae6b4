"""A program of its own: go into a container's root directory and become what it runs.

It reads one JSON object from standard input, so that no variable's value is on a command line.
Mounts are this process's own and go with it. It imports the standard library alone.

Source: chroot(2), unshare(2), mount(2), capabilities(7); the capabilities kept are those that
docker and buildah keep.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

_NEW_MOUNTS = 0x00020000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_DROP_BOUNDING, _NO_NEW_PRIVILEGES = 24, 38
_KEPT = {0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 27, 29, 31}
_LAST_CAPABILITY = 63
_FOUND_NOTHING = 127
_CANNOT = 126
_MOST_LINKS = 40


def main() -> int:
    """Become the container's process; returns only when that cannot be."""
    order: dict[str, Any] = json.load(sys.stdin)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        _mounts(libc, Path(order["root"]), order["mounts"])
        os.chroot(order["root"])
        Path(order["workdir"]).mkdir(parents=True, exist_ok=True)
        os.chdir(order["workdir"])
        home = _become(str(order["user"]))
        for capability in range(_LAST_CAPABILITY + 1):
            if capability not in _KEPT:
                libc.prctl(_DROP_BOUNDING, capability, 0, 0, 0)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    except OSError as error:
        sys.stderr.write(f"the container's root cannot be entered: {error}\n")
        return _CANNOT
    env = {"HOME": home, **order["env"]}
    try:
        os.execvpe(order["argv"][0], order["argv"], env)  # noqa: S606 - it is the container's
    except OSError as error:
        sys.stderr.write(f"cannot start {order['argv'][:1]}: {error.strerror}\n")
    return _FOUND_NOTHING


def _mounts(libc: ctypes.CDLL, root: Path, wanted: list[list[str]]) -> None:
    _check(libc.unshare(_NEW_MOUNTS), "unshare")
    _check(libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None), "mount /")
    system = [[path, path] for path in ("/proc", "/sys", "/dev")]
    names = [[path, path] for path in ("/etc/resolv.conf", "/etc/hosts") if Path(path).is_file()]
    for source, target in (*system, *names, *wanted):
        at = _inside(root, target)
        if Path(source).is_dir():
            at.mkdir(parents=True, exist_ok=True)
        else:
            at.parent.mkdir(parents=True, exist_ok=True)
            at.touch()
        flags = _BIND | _RECURSIVE
        _check(libc.mount(source.encode(), str(at).encode(), None, flags, None), f"mount {target}")


def _inside(root: Path, target: str) -> Path:
    """Return where a path of the container lies; an image's links do not lead out of it."""
    at, left, links = root, list(Path(target).parts), 0
    while left:
        part = left.pop(0)
        if part == "/":
            at = root
        elif part == "..":
            at = at.parent if at != root else root
        elif (at / part).is_symlink() and links < _MOST_LINKS:
            left = [*(at / part).readlink().parts, *left]
            links += 1
        else:
            at /= part
    return at


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _become(user: str) -> str:
    """Take the image's user, ``name``, ``uid`` or either with ``:group``; return its home."""
    if not user:
        return "/root"
    named, _, group = user.partition(":")
    rows = _rows("/etc/passwd")
    row = next((row for row in rows if named in (row[0], row[2])), None)
    if row is None and not named.isdigit():
        raise OSError(0, f"the image has no user {named!r}")
    uid = int(row[2] if row else named)
    gid = int(row[3] if row else 0)
    if group:
        found = next((one[2] for one in _rows("/etc/group") if group in (one[0], one[2])), group)
        gid = int(found)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    return row[5] if row and len(row) > 5 else "/"


def _rows(file: str) -> list[list[str]]:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except OSError:
        return []
    return [line.split(":") for line in text.splitlines() if line.count(":") >= 3]


if __name__ == "__main__":
    sys.exit(main())
