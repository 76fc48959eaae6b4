"""Write, or with --check compare, the files that derive from pyproject.toml.

``requirements.txt``, ``requirements/dev.txt`` and ``requirements/image.txt`` are resolved by
``make lock``; this script signs them with a digest of the dependencies they were resolved for, so
that a changed ``pyproject.toml`` is noticed without asking an index. So are the locks that
``mlops init`` gives to a project. ``environment.yml`` is written from ``requirements.txt``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.txt", "requirements/dev.txt", "requirements/image.txt")
SCAFFOLD = "sf_ml_framework/scaffold"
THEIRS = ("run", "dev", "image")
"""Locks of the projects that `mlops init` makes."""
SIGNATURE = "# resolved for pyproject.toml dependencies "


def signature(*, theirs: bool = False) -> str:
    """Return the last line of a lock file: a digest of every declared dependency.

    With *theirs* those that the template of a project declares are among them.
    """
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = declared["project"]
    wanted = {
        "python": project["requires-python"],
        "dependencies": project["dependencies"],
        "optional": project["optional-dependencies"],
        "groups": declared["dependency-groups"],
    }
    if theirs:
        folder = ROOT / SCAFFOLD / "template" / "project"
        wanted["theirs"] = [file.read_text("utf-8") for file in sorted(folder.glob("*.in"))]
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    return f"{SIGNATURE}{digest}"


def signed(text: str, *, theirs: bool = False) -> str:
    """Return the lock file *text* with its signature as the last line."""
    lines = [line for line in text.splitlines() if not line.startswith(SIGNATURE)]
    return "\n".join([*lines, signature(theirs=theirs)]) + "\n"


def environment(lock: str) -> str:
    """Return environment.yml for the pins of the lock file *lock*."""
    pins = []
    for line in lock.splitlines():
        match = re.match(r"([a-z0-9][^=; ]*==[^ ;\\]+)(?: ; ([^\\]+))?", line)
        if match:
            python = re.findall(r"python_full_version (?:<|>=) '3\.12'", match[2] or "")
            pins.append(f"{match[1]} ; {python[0]}" if python else match[1])
    lines = "\n".join(f'      - "{pin}"' for pin in pins)
    return f"""# Written by scripts/derived.py from requirements.txt; see `make lock`.
name: mlops-framework
channels:
  - conda-forge
dependencies:
  - python>=3.11,<3.14
  - pip
  - pip:
{lines}
      - -e .
"""


def main() -> int:
    """Write the derived files, or say which of them are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 on a difference"
    )
    check = parser.parse_args().check
    wanted = {name: signed((ROOT / name).read_text(encoding="utf-8")) for name in LOCKS}
    for lock in (f"{SCAFFOLD}/locks/{name}.txt" for name in THEIRS):
        wanted[lock] = signed((ROOT / lock).read_text(encoding="utf-8"), theirs=True)
    for name in ("uv", "snow"):
        own = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        wanted[f"{SCAFFOLD}/locks/{name}.txt"] = own
    wanted["environment.yml"] = environment(wanted["requirements.txt"])
    stale = []
    for name, text in wanted.items():
        file = ROOT / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                file.write_text(text, encoding="utf-8")
    # `make lock` also works where nothing but uv is installed; the rest is then left as it is.
    if check or find_spec("msgspec"):
        import reference

        stale += reference.stale(check=check)
    if stale and check:
        remedy = "run `python scripts/derived.py`, or `make lock` for a lock file, and commit it"
        sys.stderr.write(f"stale: {', '.join(stale)}; {remedy}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
