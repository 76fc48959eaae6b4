"""The look of every picture: drawn without pyplot, so that nothing is shared between pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

# Okabe and Ito's colours can be told apart by colour-blind readers, and differ in lightness too.
MODEL = "#0072b2"
BASELINE = "#c98a00"
RISE = "#d55e00"
INK = "#1f2933"
MUTED = "#5f6c7b"
RULE = "#dfe4ea"
PAPER = "#ffffff"

BAND_INCHES = 0.68
"""Height above the axes, for the headline."""

SHEET: dict[str, Any] = {
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "font.size": 9.5,
    "text.color": INK,
    "axes.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.labelpad": 6,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "path",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """What stands above a picture; its name stands in the report's caption."""

    finding: str
    """What a reader should take from it."""
    basis: str
    """What it was drawn from."""


def draw(
    name: str,
    headline: Headline,
    paint: Callable[[Figure], None],
    *,
    width: float = 7.2,
    height: float = 4.9,
) -> str:
    """Return a picture as SVG text: the same bytes for the same data.

    Args:
        name: salts the picture's inner ids, so that several can stand in one page.
        headline: stands above the axes.
        paint: adds axes to the figure and draws on them.
        width: in inches.
        height: in inches, headline included.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**SHEET, "svg.hashsalt": name}):
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        top = 1 - BAND_INCHES / height
        figure.set_layout_engine("constrained", rect=(0.01, 0.01, 0.98, top - 0.01))
        paint(figure)
        above = (height - 0.26) / height, (height - 0.5) / height
        figure.text(0.02, above[0], headline.finding, fontsize=12, fontweight="bold", va="center")
        figure.text(0.02, above[1], headline.basis, fontsize=9.5, color=MUTED, va="center")
        return _svg(figure)


def _svg(figure: Figure) -> str:
    page = io.StringIO()
    # No date and no version: they would change the bytes of an unchanged picture.
    figure.savefig(page, format="svg", dpi=120, metadata={"Date": None, "Creator": None})
    text = page.getvalue()
    return text[text.index("<svg") :]


def low_to_high() -> Colormap:
    """Return the colours from a feature's low values to its high ones."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("low_high", [MODEL, "#b9c0c8", RISE])


def percent(axis: Any, decimals: int = 0) -> None:
    """Label *axis* in percent."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0, decimals=decimals))


def bars(axes: Axes, names: Sequence[str], sizes: Sequence[float], **options: Any) -> None:
    """Draw horizontal bars, the first on top, each with its name to the left."""
    places = range(len(names))
    axes.barh(list(places), list(sizes), height=0.66, **options)
    axes.set_yticks(list(places), list(names))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
