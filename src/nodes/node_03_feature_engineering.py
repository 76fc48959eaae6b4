"""Make features of usable customers: ratios, encodings, interactions, risks and recency."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from src.features.engineer import engineer
from src.features.fitted import fit_features
from src.preprocess_statistics import MOST_ROWS
from src.splitting import training_rows

if TYPE_CHECKING:
    import ibis

    from src.splitting import SplitRule


def feature_engineering(customers: ibis.Table, split_rule: SplitRule) -> dict[str, Any]:
    """Make the features of each customer: ratios, encodings, interactions, risks, recency.

    Args:
        customers: one row per ``customer_id``, preprocessed.
        split_rule: who is for testing; nothing is learned from them.

    Returns:
        ``features`` (one row per row of *customers*, in their order, all numbers finite, not
        computed yet) and ``statistics``.
    """
    statistics = fit_features(training_rows(customers, split_rule, at_most=MOST_ROWS))
    return {"features": engineer(customers, statistics), "statistics": statistics}


if __name__ == "__main__":
    from src.utils.run_node import main

    raise SystemExit(main(["--node", "feature_engineering"]))
