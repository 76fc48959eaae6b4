"""Write the training and the testing part, and prove that they are what they should be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from src.split_quality import examine
from src.splitting import is_test

if TYPE_CHECKING:
    import ibis

    from src.splitting import SplitRule


def train_test_split(features: ibis.Table, split_rule: SplitRule) -> dict[str, Any]:
    """Split the features into a training and a testing part, and check both.

    Args:
        features: one row per customer that *split_rule* was fitted on.
        split_rule: who is for testing.

    Returns:
        ``train`` and ``test`` (rows in their order, not computed yet) and ``quality``.

    Raises:
        SplitError: the features are not those customers, a customer is in both parts, or the
            parts differ by more than chance explains; nothing was written.
    """
    for_testing = is_test(features, split_rule)
    return {
        "train": features.filter(~for_testing),
        "test": features.filter(for_testing),
        "quality": examine(features, split_rule),
    }


if __name__ == "__main__":
    from src.utils.run_node import main

    raise SystemExit(main(["--node", "train_test_split"]))
