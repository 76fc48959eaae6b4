"""Why the model says what it says: exact SHAP values, computed by the booster itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xgboost


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """SHAP values in log-odds: how far each feature moved each row from the average."""

    rows: pd.DataFrame
    """The features of the explained rows."""
    values: np.ndarray
    """One line per row, one column per feature."""
    average: float
    """The log-odds that all rows start from."""
    margins: np.ndarray
    """The log-odds that the model predicts, computed without SHAP."""

    @property
    def additivity_error(self) -> float:
        """The largest gap between a row's prediction and the sum of its parts."""
        import numpy as np

        return float(np.abs(self.average + self.values.sum(axis=1) - self.margins).max())

    def mean_sizes(self) -> dict[str, float]:
        """Return each feature's mean absolute value, the largest first."""
        import numpy as np

        sizes = np.abs(self.values).mean(axis=0)
        pairs = zip(self.rows.columns, sizes.tolist(), strict=True)
        return dict(sorted(pairs, key=lambda pair: -pair[1]))


def explain(
    model: xgboost.XGBClassifier, rows: pd.DataFrame, *, threads: int | None = None
) -> Explanation:
    """Explain each of *rows* exactly, in *threads* threads.

    The rows are cut into pieces with a thread of ours for each: XGBoost's own threads would spin
    and lose to any other process that wants a core.
    """
    import numpy as np

    from src.modelling.cores import available_cores

    threads = threads or available_cores()
    # A copy, since the caller's model keeps its own number of threads.
    booster = model.get_booster().copy()
    booster.set_param({"nthread": 1})
    parts = np.array_split(np.arange(len(rows)), min(threads, len(rows)))
    pieces = [rows.iloc[part] for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda piece: _contributions(booster, piece), pieces))
    contributions = np.concatenate([values for values, _ in found]).astype("float64")
    return Explanation(
        rows=rows,
        values=contributions[:, :-1],
        average=float(contributions[0, -1]),
        margins=np.concatenate([margins for _, margins in found]).astype("float64"),
    )


def _contributions(booster: xgboost.Booster, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    import xgboost

    matrix = xgboost.DMatrix(rows, nthread=1)
    return (
        booster.predict(matrix, pred_contribs=True),
        booster.predict(matrix, output_margin=True),
    )
