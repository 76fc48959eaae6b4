"""The pictures of the reports, drawn without pyplot: no window, no state between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MODEL, BASELINE, CHANCE = "#1f5fa8", "#c2570c", "#8a8a8a"


def roc(churned: np.ndarray, chances: Mapping[str, np.ndarray]) -> Figure:
    """Draw true against false positives for each named series of *chances*."""
    from sklearn.metrics import roc_auc_score, roc_curve

    figure, axes = _axes("Share of stayers flagged", "Share of churners flagged")
    axes.plot([0, 1], [0, 1], color=CHANCE, linestyle=":", label="by chance")
    for (name, values), style in zip(chances.items(), _styles(), strict=False):
        flagged, found, _ = roc_curve(churned, values)
        axes.plot(
            flagged, found, label=f"{name}, AUC {roc_auc_score(churned, values):.3f}", **style
        )
    axes.set(xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    axes.legend(loc="lower right", frameon=False)
    return figure


def calibration(churned: np.ndarray, chances: Mapping[str, np.ndarray]) -> Figure:
    """Draw the observed share of churn against the predicted one, in tenths of the customers."""
    from sklearn.calibration import calibration_curve

    figure, axes = _axes("Predicted chance of churn", "Share that churned")
    axes.plot([0, 1], [0, 1], color=CHANCE, linestyle=":", label="perfect")
    for (name, values), style in zip(chances.items(), _styles(), strict=False):
        observed, predicted = calibration_curve(churned, values, n_bins=10, strategy="quantile")
        axes.plot(predicted, observed, marker="o", markersize=4, label=name, **style)
    axes.set(xlim=(0, 0.9), ylim=(0, 0.9), aspect="equal")
    axes.legend(loc="upper left", frameon=False)
    return figure


def boosting(curve: Sequence[float]) -> Figure:
    """Draw the log loss after each round of boosting."""
    figure, axes = _axes("Trees", "Log loss on rows kept back")
    axes.plot(range(1, len(curve) + 1), curve, color=MODEL, linewidth=2)
    axes.annotate(
        f"{len(curve)} trees: {curve[-1]:.4f}",
        (len(curve), curve[-1]),
        xytext=(0, 24),
        textcoords="offset points",
        ha="right",
        arrowprops={"arrowstyle": "-", "color": CHANCE},
    )
    return figure


def importance(shares: Mapping[str, float]) -> Figure:
    """Draw one bar for each feature, the largest on top."""
    figure, axes = _axes("Share of gain", "")
    names = list(shares)[::-1]
    bars = axes.barh(names, [shares[name] for name in names], color=MODEL, height=0.7)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.margins(x=0.12)
    axes.grid(visible=False, axis="y")
    return figure


def holdouts(
    model: Sequence[float], baseline: Sequence[float], interval: tuple[float, float]
) -> Figure:
    """Draw the AUC of both for each hold-out, and the interval of the model's mean."""
    figure, axes = _axes("Hold-out", "AUC")
    low, high = interval
    axes.axhspan(low, high, color=MODEL, alpha=0.15, linewidth=0, label="95 % interval of the mean")
    axes.axhline(sum(model) / len(model), color=MODEL, linewidth=1)
    places = range(len(model))
    axes.plot(places, model, "o", color=MODEL, label="model")
    axes.plot(places, baseline, "s", color=BASELINE, fillstyle="none", label="logistic regression")
    axes.set_xticks(places)
    axes.margins(y=0.1)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3)
    return figure


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, alpha=0.25)
    axes.set_axisbelow(True)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def _styles() -> list[dict[str, Any]]:
    return [
        {"color": MODEL, "linewidth": 2},
        {"color": BASELINE, "linewidth": 1.5, "linestyle": "--"},
    ]
