"""Ask for known vulnerabilities of what is locked, with pip-audit.

    python .github/scripts/audit.py FILE...            where the service cannot be reached, says so
    python .github/scripts/audit.py --strict FILE...   fails there too

Fails where a locked package has a vulnerability that is known.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any, NamedTuple

SECONDS = 10
"""How long one answer of the service may take."""


class Answer(NamedTuple):
    """What the service says of one file."""

    vulnerable: tuple[str, ...] = ()
    """A line for each vulnerability."""
    not_known: tuple[str, ...] = ()
    """Packages that it knows nothing of."""
    reached: bool = True


def answer_of(report: dict[str, Any] | None) -> Answer:
    """Read pip-audit's report; none is written where the service cannot be reached.

    Some mirrors of packages answer for the service that they know none of them.
    """
    asked = report["dependencies"] if report else []
    not_known = tuple(each["name"] for each in asked if "skip_reason" in each)
    return Answer(
        vulnerable=tuple(
            f"{each['name']} {each['version']}: {one['id']},"
            f" mended in {', '.join(one['fix_versions']) or 'no version yet'}"
            for each in asked
            for one in each.get("vulns", ())
        ),
        not_known=not_known,
        reached=len(not_known) < len(asked),
    )


def ask(file: str) -> Answer:
    """Ask for one file of locked requirements."""
    options = ["--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json"]
    done = subprocess.run(  # noqa: S603 - our own words and files
        [sys.executable, "-m", "pip_audit", *options, f"--timeout={SECONDS}", f"-r={file}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        return answer_of(json.loads(done.stdout))
    except json.JSONDecodeError:
        return answer_of(None)


def main() -> int:
    """Ask for each file and tell; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--strict", action="store_true", help="fail where nobody answers")
    parser.add_argument("files", nargs="+", metavar="FILE")
    given = parser.parse_args()
    failed = False
    for file in given.files:
        found = ask(file)
        for line in found.vulnerable:
            sys.stderr.write(f"{file}: {line}\n")
        if not found.reached:
            sys.stderr.write(
                f"{file}: not asked about: nothing here knows of vulnerabilities (no network?)\n"
            )
        elif found.not_known:
            sys.stderr.write(f"{file}: the service knows nothing of {', '.join(found.not_known)}\n")
        in_doubt = bool(found.not_known) or not found.reached
        failed |= bool(found.vulnerable) or (given.strict and in_doubt)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
