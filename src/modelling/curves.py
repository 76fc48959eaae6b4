"""Pictures of how well the model separates, and how honest its probabilities are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.modelling.drawing import BASELINE, INK, MODEL, MUTED, PAPER, RISE, Headline, draw, percent
from src.modelling.scores import calibration

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One model's probabilities for the test rows, and what they are worth."""

    name: str
    probabilities: np.ndarray
    threshold: float
    scores: Mapping[str, float]


def _look(first: bool) -> dict[str, object]:
    """Return how a line is drawn: the model solid, what it is compared with dashed."""
    return {
        "color": MODEL if first else BASELINE,
        "linestyle": "-" if first else (0, (5, 2)),
        "zorder": 4 if first else 3,
    }


def roc(labels: np.ndarray, judged: list[Judged], headline: Headline) -> str:
    """Draw the ROC curve of each model."""
    from sklearn.metrics import roc_curve

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for place, model in enumerate(judged):
            false, true, at = roc_curve(labels, model.probabilities)
            label = f"{model.name}  (AUC {model.scores['auc']:.3f})"
            kept = _spread(len(false))
            axes.plot(false[kept], true[kept], label=label, **_look(place == 0))
            if place == 0:
                cut = int((at >= model.threshold).sum()) - 1
                at_cut = float(false[cut]), float(true[cut])
                _point(axes, at_cut, model.threshold, beside=(14, -17))
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", label="coin toss")
        _unit(axes, "Stayers called by mistake", "Leavers found")
        axes.legend(loc="lower right")

    return draw("roc", headline, paint, height=5.2)


def precision_recall(labels: np.ndarray, judged: list[Judged], headline: Headline) -> str:
    """Draw precision over recall for each model, beside what calling everybody would give."""
    from sklearn.metrics import precision_recall_curve

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for place, model in enumerate(judged):
            precision, recall, at = precision_recall_curve(labels, model.probabilities)
            label = f"{model.name}  (average precision {model.scores['pr_auc']:.3f})"
            kept = _spread(len(recall))
            axes.plot(recall[kept], precision[kept], label=label, **_look(place == 0))
            if place == 0:
                cut = min(int((at < model.threshold).sum()), len(at) - 1)
                at_cut = float(recall[cut]), float(precision[cut])
                _point(axes, at_cut, model.threshold, beside=(9, 8))
        share = float(labels.mean())
        axes.axhline(
            share, color=MUTED, linewidth=1, linestyle=":", label=f"call everybody ({share:.1%})"
        )
        _unit(axes, "Leavers found (recall)", "Calls that reach a leaver (precision)")
        axes.legend(loc="upper right")

    return draw("precision-recall", headline, paint, height=5.2)


def confusion(labels: np.ndarray, model: Judged, headline: Headline) -> str:
    """Draw how many rows fall on each side of the threshold."""
    import numpy as np

    decided = model.probabilities >= model.threshold
    cells = np.array(
        [[((labels == truth) & (decided == call)).sum() for call in (0, 1)] for truth in (0, 1)]
    )
    shares = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)

    def paint(figure: Figure) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        axes = figure.add_subplot()
        shades = LinearSegmentedColormap.from_list("share", ["#f2f6fa", MODEL])
        axes.pcolormesh(shares, cmap=shades, vmin=0, vmax=1, edgecolors=PAPER, linewidth=4)
        for (row, column), count in np.ndenumerate(cells):
            # Where white letters become easier to read than dark ones.
            ink = PAPER if shares[row, column] > 0.72 else INK
            place = {"x": column + 0.5, "ha": "center", "va": "center", "color": ink}
            axes.text(y=row + 0.45, s=f"{count:,}", fontsize=17, fontweight="bold", **place)
            share = f"{shares[row, column]:.1%} of {('stayers', 'leavers')[row]}"
            axes.text(y=row + 0.66, s=share, fontsize=9.5, **place)
        axes.set_xticks([0.5, 1.5], ["predicted to stay", "predicted to leave"])
        axes.set_yticks([0.5, 1.5], ["stayed", "left"])
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    return draw("confusion", headline, paint, width=6.2, height=4.6)


def calibrated(labels: np.ndarray, judged: list[Judged], headline: Headline) -> str:
    """Draw observed over predicted shares, and how the predictions are spread."""
    import numpy as np
    from matplotlib.ticker import NullLocator

    # Up to where there are customers: a model of rare leavers seldom speaks of 90%.
    reach = float(np.ceil(10 * np.quantile(judged[0].probabilities, 0.999)) / 10)

    def paint(figure: Figure) -> None:
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[3.4, 1])
        axes.plot([0, reach], [0, reach], color=MUTED, linewidth=1, linestyle=":", label="perfect")
        for place, model in enumerate(judged):
            found = calibration(labels, model.probabilities)
            x, y = [part.predicted for part in found], [part.observed for part in found]
            label = f"{model.name}  (error {model.scores['calibration_error']:.3f})"
            marker = {"marker": "os"[place], "markersize": 5, "markeredgecolor": PAPER}
            axes.plot(x, y, label=label, **marker, **_look(place == 0))
        axes.set_ylabel("Share that left")
        axes.set_ylim(-0.02 * reach, 1.04 * reach)
        axes.legend(loc="upper left")
        below.hist(judged[0].probabilities, bins=np.linspace(0, reach, 41), color=MODEL)
        below.set_yscale("log")
        below.yaxis.set_major_formatter("{x:,.0f}")
        below.yaxis.set_minor_locator(NullLocator())
        below.set_ylabel("Customers")
        below.set_xlabel("Predicted probability of leaving")
        below.set_xlim(-0.01 * reach, 1.01 * reach)
        percent(axes.yaxis)
        percent(below.xaxis)

    return draw("calibration", headline, paint, height=5.6)


def thresholds(
    labels: np.ndarray, probabilities: np.ndarray, chosen: float, headline: Headline
) -> str:
    """Draw precision, recall and F1 over the threshold, and the chosen one."""
    from sklearn.metrics import precision_recall_curve

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        precision, recall, at = precision_recall_curve(labels, probabilities)
        # The right end rests on a handful of rows and would only flicker.
        kept = _spread(max(2, len(at) - 20))
        precision, recall, at = precision[kept], recall[kept], at[kept]
        f1 = 2 * precision * recall / (precision + recall)
        for values, label, colour, dash in (
            (precision, "precision", BASELINE, (0, (5, 2))),
            (recall, "recall", MUTED, (0, (1.5, 1.5))),
            (f1, "F1", MODEL, "-"),
        ):
            axes.plot(at, values, label=label, color=colour, linestyle=dash)
        axes.axvline(chosen, color=RISE, linewidth=1.4)
        axes.annotate(
            f"chosen: {chosen:.3f}",
            (chosen, 0.98),
            xytext=(6, 0),
            textcoords="offset points",
            color=RISE,
            fontweight="bold",
            va="top",
        )
        _unit(axes, "Threshold", "")
        axes.xaxis.set_major_formatter("{x:.1f}")
        axes.legend(loc="center right")

    return draw("thresholds", headline, paint)


def _spread(points: int) -> np.ndarray:
    """Return places of at most 600 of the *points*, both ends among them.

    More would weigh the page down and could not be seen.
    """
    import numpy as np

    return np.unique(np.linspace(0, points - 1, min(points, 600)).round().astype(int))


def _point(
    axes: Axes, at: tuple[float, float], threshold: float, *, beside: tuple[int, int]
) -> None:
    """Mark the curve's point at *threshold*, its label *beside* it in points."""
    edge = {"markeredgecolor": PAPER, "markeredgewidth": 1.5}
    axes.plot(*at, "o", color=RISE, markersize=8, zorder=7, **edge)
    axes.annotate(
        f"threshold {threshold:.3f}",
        at,
        xytext=beside,
        textcoords="offset points",
        color=RISE,
        fontweight="bold",
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
        zorder=6,
    )


def _unit(axes: Axes, x_label: str, y_label: str) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.03)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    percent(axes.xaxis)
    percent(axes.yaxis)
