"""Look for secrets in the files of the repository, with detect-secrets.

    python .github/scripts/find_secrets.py           fails where there is one that was not looked at
    python .github/scripts/find_secrets.py --write   says that all that are there were looked at

What was looked at and is no secret (passwords of the emulator, names of variables) stands in
``.github/secrets.baseline`` as hashes, without line numbers: moving a line is no finding, which is
why detect-secrets' own hook is not used.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / ".github" / "secrets.baseline"
LEFT_OUT = re.compile(
    r"requirements.*\.txt|sf_ml_framework/scaffold/locks/|tests/golden/|\.github/.*baseline|.*\.(png|parquet|pkl)$"
)
"""Hashes of packages, compiled files, and what is no text."""

Found = dict[str, dict[str, str]]
"""By file and hash of the finding: what it looks like, and its line."""


def find(root: Path) -> Found:
    """Return what looks like a secret in the files that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, stdout=subprocess.PIPE)  # noqa: S607
    names = [name for name in listed.stdout.decode().split("\0") if name]
    found: Found = {}
    with default_settings():
        for name in names:
            if LEFT_OUT.match(name) or not (root / name).is_file():
                continue
            secrets = SecretsCollection(root=str(root))
            secrets.scan_file(name)
            for _, secret in secrets:
                line = f"{secret.type}, line {secret.line_number}"
                found.setdefault(name, {})[secret.secret_hash] = line
    return found


def main() -> int:
    """Compare with what was looked at, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="all that are there were looked at")
    given = parser.parse_args()
    found = find(ROOT)
    if given.write:
        kept = {name: sorted(hashes) for name, hashes in sorted(found.items())}
        BASELINE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        return 0
    looked_at = json.loads(BASELINE.read_text(encoding="utf-8"))
    new = [
        f"{name}: {what}"
        for name, hashes in found.items()
        for digest, what in hashes.items()
        if digest not in looked_at.get(name, ())
    ]
    for line in new:
        sys.stderr.write(f"{line}\n")
    if new:
        sys.stderr.write(
            "these look like secrets: take them out and change them wherever they hold, or, when"
            " they are none, run .github/scripts/find_secrets.py --write\n"
        )
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
