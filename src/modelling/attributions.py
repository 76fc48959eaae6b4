"""Pictures of what the model leans on, for all customers and for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from src.modelling.drawing import (
    BASELINE,
    INK,
    MODEL,
    MUTED,
    RISE,
    Headline,
    bars,
    draw,
    low_to_high,
)

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from src.modelling.explain import Explanation
    from src.modelling.search import Candidate, Search

SHOWN = 15
"""Features in a picture; the tables hold all."""

NARROW = 0.36
"""Half the height that the dots of one feature may fill, in rows."""


def importance(
    gain: Mapping[str, float],
    other: Mapping[str, float],
    *,
    label: str,
    headline: Headline,
    deviations: Mapping[str, float] | None = None,
) -> str:
    """Draw two measures of the same features side by side, sorted by the second.

    Args:
        gain: share of the gain of all splits, by feature.
        other: the measure to sort by.
        label: of *other*'s axis.
        headline: stands above the picture.
        deviations: of *other*, drawn as whiskers.
    """
    names = sorted(other, key=lambda name: -other[name])[:SHOWN]

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        sizes = [other[name] for name in names]
        spread = [deviations[name] for name in names] if deviations else None
        whiskers = {"ecolor": INK, "elinewidth": 1}
        bars(left, names, sizes, color=MODEL, xerr=spread, error_kw=whiskers)
        # The axis of names is shared: named and turned over once.
        right.barh(range(len(names)), [gain[name] for name in names], height=0.66, color=BASELINE)
        right.grid(visible=False, axis="y")
        right.tick_params(labelleft=False)
        left.set_xlabel(label)
        right.set_xlabel("share of gain")
        for axes in (left, right):
            axes.spines["left"].set_visible(False)
            axes.locator_params(axis="x", nbins=5)
        left.set_xlim(left=min(0.0, *sizes))
        figure.get_layout_engine().set(wspace=0.06)

    height = 1.5 + 0.27 * len(names)
    return draw("importance", headline, paint, width=7.6, height=height)


def shap_summary(found: Explanation, headline: Headline) -> str:
    """Draw one dot per row and feature: where it moved the row, coloured by the feature's value."""
    names = list(found.mean_sizes())[:SHOWN]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for place, name in enumerate(names):
            column = found.rows.columns.get_loc(name)
            _swarm(axes, place, found.values[:, column], found.rows[name].to_numpy())
        axes.axvline(0, color=MUTED, linewidth=1, zorder=1)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.grid(visible=False, axis="x")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("SHAP value in log-odds: left of 0 less likely to leave, right of 0 more")
        _colour_key(figure, axes)

    height = 1.6 + 0.3 * len(names)
    return draw("shap-summary", headline, paint, width=7.6, height=height)


def _swarm(axes: Axes, place: int, values: np.ndarray, feature: np.ndarray) -> None:
    """Draw one feature's dots, stacked where many fall together."""
    import numpy as np
    from scipy.stats import rankdata

    bins = np.round(100 * (values - values.min()) / (np.ptp(values) + 1e-12)).astype(int)
    order = np.lexsort((feature, bins))
    sizes = np.bincount(bins)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    turn = np.empty(len(values))
    turn[order] = np.arange(len(values)) - starts[bins[order]]
    # Within a stack: the middle first, then one above, one below…
    offset = np.ceil(turn / 2) * np.where(turn % 2, 1, -1)
    offset *= NARROW / max(1.0, np.abs(offset).max())
    known = np.isfinite(feature)
    ranks = rankdata(np.where(known, feature, np.nan), nan_policy="omit")
    lowest, highest = (np.nanmin(ranks), np.nanmax(ranks)) if known.any() else (0.0, 0.0)
    colours = (ranks - lowest) / max(highest - lowest, 1.0)
    axes.scatter(
        values,
        place + offset,
        c=colours,
        cmap=low_to_high(),
        plotnonfinite=True,
        vmin=0,
        vmax=1,
        s=5,
        linewidth=0,
        rasterized=True,  # thousands of vector dots would weigh megabytes
        zorder=3,
    )


def _colour_key(figure: Figure, axes: Axes) -> None:
    from matplotlib.cm import ScalarMappable

    key = figure.colorbar(ScalarMappable(cmap=low_to_high()), ax=axes, aspect=38, pad=0.015)
    key.set_ticks([0.02, 0.98], labels=["low", "high"])
    key.ax.tick_params(length=0)
    key.outline.set_visible(False)
    key.set_label("the feature's own value", labelpad=-16)


def one_customer(found: Explanation, place: int, *, headline: Headline, shown: int = 11) -> str:
    """Draw how the features of one row move its prediction from the average, step by step."""
    import numpy as np

    values = found.values[place]
    order = np.argsort(-np.abs(values), kind="stable")
    steps = [
        (f"{found.rows.columns[at]} = {_shown(found.rows.iloc[place, at])}", float(values[at]))
        for at in order[: shown - 1]
    ]
    rest = order[shown - 1 :]
    if len(rest):
        steps.append((f"{len(rest)} other features together", float(values[rest].sum())))

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        _waterfall(axes, steps, found.average)

    height = 1.9 + 0.3 * len(steps)
    return draw("one-customer", headline, paint, width=7.6, height=height)


def _waterfall(axes: Axes, steps: Sequence[tuple[str, float]], start: float) -> None:
    ends = [start]
    for _, size in steps:
        ends.append(ends[-1] + size)
    for place, (_, size) in enumerate(steps):
        colour = RISE if size > 0 else MODEL
        axes.barh(place, size, left=ends[place], height=0.62, color=colour, zorder=3)
        # From each bar's end down to the next bar's beginning.
        axes.plot([ends[place + 1]] * 2, [place - 0.31, place + 1.31], color=MUTED, linewidth=0.8)
        axes.annotate(
            f"{size:+.2f}".replace("-", "\N{MINUS SIGN}"),
            (max(ends[place], ends[place + 1]), place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=colour,
            fontweight="bold",
        )
    axes.axvline(start, color=MUTED, linewidth=1, linestyle=":", zorder=1)
    axes.set_yticks(
        range(-1, len(steps) + 1),
        [
            f"average customer: {_probability(start):.1%}",
            *(name for name, _ in steps),
            f"this customer: {_probability(ends[-1]):.1%}",
        ],
    )
    for place in (0, -1):
        axes.get_yticklabels()[place].set_fontweight("bold")
    axes.plot([start, ends[-1]], [-1, len(steps)], "o", color=INK, markersize=6, zorder=4)
    axes.set_ylim(len(steps) + 0.6, -1.6)
    low, high = min(ends), max(ends)
    reach = max(high - low, 1e-6)
    axes.set_xlim(low - 0.05 * reach, high + 0.13 * reach)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("log-odds of leaving")


def _probability(margin: float) -> float:
    import math

    return 1 / (1 + math.exp(-margin))


def _shown(value: float) -> str:
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def progress(found: Search, headline: Headline) -> str:
    """Draw each candidate's score in the order of their proposal, and the best so far."""

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        whole = [tried for tried in found.candidates if not tried.pruned]
        pruned = [tried for tried in found.candidates if tried.pruned]
        best, line = 0.0, []
        for tried in found.candidates:
            best = best if tried.pruned else max(best, tried.auc)
            line.append(best)
        numbers = [tried.number + 1 for tried in found.candidates]
        axes.step(numbers, line, where="post", color=MODEL, label="best so far", zorder=2)
        _dots(axes, found, whole, ("o", MODEL, f"all {len(found.fits)} folds"))
        if pruned:
            _dots(axes, found, pruned, ("x", RISE, "pruned after one fold"))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("Candidate")
        axes.set_ylabel("AUC on held-out rows")
        # Beneath the axes, where no candidate can be hidden by it.
        figure.legend(loc="outside lower center", ncols=3)

    return draw("search", headline, paint)


def _dots(
    axes: Axes, found: Search, tried: Sequence[Candidate], look: tuple[str, str, str]
) -> None:
    marker, colour, label = look
    x, y = [one.number + 1 for one in tried], [found.comparable_auc(one) for one in tried]
    axes.scatter(x, y, marker=marker, color=colour, s=36, label=label, zorder=3)
