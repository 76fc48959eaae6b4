"""Make customers usable: drop or mend what cannot be, fill gaps, cap outliers, set flags."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from src.cleaning import complete, dated, flagged, newest_of_each, plausible, usable
from src.preprocess_statistics import MOST_ROWS, fit_preprocess
from src.quality import count_rows, quality_report
from src.splitting import fit_split, training_rows

if TYPE_CHECKING:
    import ibis


def preprocess_data(
    customers: ibis.Table, *, cap_quantile: float = 0.99, test_fraction: float = 0.2, seed: int = 42
) -> dict[str, Any]:
    """Make customers usable: fill gaps, cap outliers, drop what cannot be, set flags.

    Who is for testing is decided here, before anything is learned, so that medians and caps come
    from training rows alone. Rows keep their order, unless a customer came more than once.

    Args:
        customers: one row per customer, as entered.
        cap_quantile: the quantile of the training rows above which a value is an outlier.
        test_fraction: share of each class that is put aside for testing.
        seed: another one puts other customers aside.

    Returns:
        ``customers`` (one row per ``customer_id``, without nulls, not computed yet),
        ``statistics``, ``split_rule`` and ``quality`` (each rule's count before and after).

    Raises:
        SplitError: a class of the target has fewer than two customers.
        StatisticsError: a column has no usable value in any training row.
    """
    raw = dated(customers)
    rows = count_rows(raw)
    kept = raw.filter(usable(raw)) if rows.unusable else raw
    if rows.repeated:
        kept = newest_of_each(kept)
    possible = plausible(kept)
    rule = fit_split(possible, test_fraction=test_fraction, seed=seed)
    statistics = fit_preprocess(
        training_rows(possible, rule, at_most=MOST_ROWS), cap_quantile=cap_quantile
    )
    clean = flagged(complete(possible, statistics), statistics)
    return {
        "customers": clean,
        "statistics": statistics,
        "split_rule": rule,
        "quality": quality_report(raw, clean, rows, statistics, rule),
    }


if __name__ == "__main__":
    from src.utils.run_node import main

    raise SystemExit(main(["--node", "preprocess_data"]))
