"""Write what `mlops plan` printed as a comment on a pull request.

    python3 .github/scripts/plan_comment.py --target test --plan plan.txt --out plan.md

The same text goes to the summary of the run. Without a file PLAN it says that no state is recorded.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

LIMIT = 60_000
"""Characters of a plan; GitHub takes 65,536 in a comment."""


def comment(target: str, plan: str | None) -> str:
    """Return the comment in Markdown; whatever stands in *plan* stays inside its block."""
    title = f"### What this would change in `{target}`\n\n"
    if plan is None:
        return (
            f"{title}No state of `{target}` is recorded yet. The first deployment to it records"
            " one; until then there is nothing to compare with.\n"
        )
    text = plan.strip("\n")
    cut = len(text) - LIMIT
    if cut > 0:
        text = f"{text[:LIMIT]}\n… {cut:,} characters more: run `mlops plan` with the same state"
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return (
        f"{title}{fence}text\n{text}\n{fence}\n\n"
        f"Made from the state that the last deployment to `{target}` recorded, without a connection"
        " to the account.\n"
    )


def main() -> None:
    """Write the comment that the line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", required=True)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    plan = given.plan.read_text(encoding="utf-8") if given.plan.exists() else None
    text = comment(given.target, plan)
    given.out.write_text(text, encoding="utf-8")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
