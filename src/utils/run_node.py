"""Run one node of this project: the entry point of its container, and of a laptop.

``python src/utils/run_node.py --node generate_sample_data --inputs '{"num_customers": 50}'``
works from any folder; ``--help`` lists the options.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the node that *argv* names and return the exit code."""
    # Run as a script, Python looks for modules beside this file; the project's are above it.
    beside = str(Path(__file__).resolve().parent)
    sys.path[:] = [str(PROJECT), *(each for each in sys.path if each != beside)]
    from sf_ml_framework.container import main as run

    return run(argv, start=PROJECT)


if __name__ == "__main__":
    raise SystemExit(main())
