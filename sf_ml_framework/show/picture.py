"""The graph of a project as a self-contained SVG, in the colours of the reader's choice."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import pairwise

from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.run.records import NodeRun
from sf_ml_framework.show import words
from sf_ml_framework.show.layout import Layout, Point, Size, lay_out
from sf_ml_framework.show.links import Link, links_of, sources_of

_LONGEST = 34
"""Characters of a name that a box shows."""
_LETTER = 7.6
"""Width of a letter of a name in most fonts, in bold; a wider font is squeezed into it."""
_WIDE_LETTER = 8.6
_SLIM = 0.88
"""Width of a letter of a source, in those of a node."""
_BOX = 46.0
_SOURCE = 26.0
_MARGIN = 10.0
_WHOLE = 'width="100%" height="100%"'

STYLE = """
.dag { --dag-ground: #f6f7f9; --dag-box: #ffffff; --dag-edge: #c9d1dc; --dag-line: #98a3b3;
  --dag-ink: #1c2430; --dag-soft: #5b6675; --dag-good: #1a7f4b; --dag-kept: #3566b8;
  --dag-bad: #c2352b; --dag-late: #a15c00; --dag-busy: #7a4fc0; --dag-idle: #8792a2;
  font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
@media screen and (prefers-color-scheme: dark) { .dag {
  --dag-ground: #12171e; --dag-box: #1d2530; --dag-edge: #3c4757; --dag-line: #6b7789;
  --dag-ink: #e8ecf2; --dag-soft: #a3afbf; --dag-good: #4fc98a; --dag-kept: #82aef5;
  --dag-bad: #ff8a80; --dag-late: #f0b04f; --dag-busy: #b99af0; --dag-idle: #8a96a7; } }
.dag .ground { fill: var(--dag-ground); }
.dag g rect { fill: var(--dag-box); stroke: var(--dag-edge); }
.dag .name { fill: var(--dag-ink); font-weight: 600; }
.dag .fact { fill: var(--dag-soft); font-size: 12px; }
.dag .source .name { fill: var(--dag-soft); font-weight: 400; font-size: 12px; }
.dag .source rect { stroke-dasharray: 3 3; }
.dag .good .bar { fill: var(--dag-good); } .dag .kept .bar { fill: var(--dag-kept); }
.dag .bad .bar { fill: var(--dag-bad); } .dag .late .bar { fill: var(--dag-late); }
.dag .busy .bar { fill: var(--dag-busy); } .dag .idle .bar { fill: var(--dag-idle); }
.dag .bad .fact { fill: var(--dag-bad); }
.dag .link path { fill: none; stroke: var(--dag-line); stroke-width: 1.4; }
.dag .link .reach { stroke: transparent; stroke-width: 14; }
.dag .link polygon { fill: var(--dag-line); }
.dag .wait path:not(.reach) { stroke-dasharray: 4 4; }
.dag .link:hover path:not(.reach) { stroke: var(--dag-kept); stroke-width: 2.4; }
.dag .link:hover polygon { fill: var(--dag-kept); }
"""


def svg(
    manifest: Manifest,
    runs: Mapping[str, NodeRun] | None = None,
    *,
    downwards: bool = False,
    style: bool = True,
) -> str:
    """Return the graph as one ``<svg>`` element that loads nothing and runs nothing.

    Args:
        manifest: the project.
        runs: by node how it ended; none: the graph alone, with the size each node asks for.
        downwards: from top to bottom, for a narrow page.
        style: with its own ``<style>`` and ground; a page that holds several needs one style.
    """
    links, sources = links_of(manifest), sources_of(manifest)
    width = _box_width([node.name for node in manifest.nodes], least=150)
    boxes = {_source_key(name): Size(_box_width([name]) * _SLIM, _SOURCE) for name in sources}
    boxes |= {node.name: Size(width, _BOX) for node in manifest.nodes}
    sizes = {name: Size(s.across, s.along) for name, s in boxes.items()} if downwards else boxes
    layout = lay_out(sizes, [(_start(link), link.end) for link in links])
    draw = _Pen(layout, boxes, downwards=downwards)
    body = [draw.link(link) for link in links]
    body += [draw.source(name, manifest) for name in sources]
    body += [draw.node(node.name, manifest, runs) for node in manifest.nodes]
    across, along = draw.extent()
    title = escape(f"The pipeline {manifest.project}: {len(manifest.nodes)} nodes")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="dag" role="img" '
        f'viewBox="0 0 {across:.0f} {along:.0f}" width="{across:.0f}" height="{along:.0f}">'
        f"<title>{title}</title>"
        + (f'<style>{STYLE}</style><rect class="ground" {_WHOLE}/>' if style else "")
        + "".join(body)
        + "</svg>\n"
    )


class _Pen:
    """Draws boxes and edges where the layout puts them."""

    def __init__(self, layout: Layout, boxes: Mapping[str, Size], *, downwards: bool) -> None:
        self._layout = layout
        self._boxes = boxes
        self._downwards = downwards

    def extent(self) -> tuple[float, float]:
        """Return width and height of the whole picture."""
        return self._xy(Point(*self._layout.extent), border=2 * _MARGIN)

    def node(self, name: str, manifest: Manifest, runs: Mapping[str, NodeRun] | None) -> str:
        node = manifest.node(name)
        run = runs.get(name) if runs is not None else None
        state = words.state_of(run)
        if runs is None:
            fact = f"{node.resources.pool_size.value.lower()} pool"
        else:
            took = words.took(run) if run else ""
            fact = f"{state.mark} {state.word}" + (f" · {took}" if took else "")
        told = [name, node.description]
        told += [f"reads {each.dataset}" for each in node.inputs]
        told += [f"makes {each}" for each in node.dataset_outputs]
        told += [words.reason(run.reason)] if run else []
        tell = "\n".join(part for part in told if part)
        x, y, width, height = self._corner(name)
        style = state.style if runs is not None else "kept"
        fit = _fit(name, width - 28)
        return (
            f'<g class="node {style}" transform="translate({x:.1f} {y:.1f})">'
            f"<title>{escape(tell)}</title>"
            f'<rect width="{width:.1f}" height="{height:.1f}" rx="7"/>'
            f'<path class="bar" d="M7 0H6a6 6 0 0 0-6 7V{height - 7:.1f}a6 6 0 0 0 6 7h1z"/>'
            f'<text class="name" x="16" y="19"{fit}>{escape(_short(name))}</text>'
            f'<text class="fact" x="16" y="36">{escape(fact)}</text></g>'
        )

    def source(self, name: str, manifest: Manifest) -> str:
        x, y, width, height = self._corner(_source_key(name))
        dataset = manifest.dataset(name)
        told = "\n".join(part for part in (name, dataset.description, dataset.path) if part)
        fit = _fit(name, width - 20, slim=True)
        return (
            f'<g class="source" transform="translate({x:.1f} {y:.1f})">'
            f"<title>{escape(told)}</title>"
            f'<rect width="{width:.1f}" height="{height:.1f}" rx="{height / 2:.1f}"/>'
            f'<text class="name" x="{width / 2:.1f}" y="17" text-anchor="middle"{fit}>'
            f"{escape(_short(name))}</text></g>"
        )

    def link(self, link: Link) -> str:
        route = self._layout.routes[_start(link), link.end]
        line = "M{:.1f} {:.1f}".format(*self._xy(route[0]))
        for position, (here, there) in enumerate(pairwise(route)):
            if position % 2:  # within a layer, past its boxes
                line += "L{:.1f} {:.1f}".format(*self._xy(there))
                continue
            middle = (here.along + there.along) / 2
            bends = (Point(middle, here.across), Point(middle, there.across), there)
            line += "C" + " ".join("{:.1f} {:.1f}".format(*self._xy(each)) for each in bends)
        told = ", ".join(link.datasets) or "waits, and takes nothing"
        kind = "link" if link.datasets else "link wait"
        return (
            f'<g class="{kind}"><title>{escape(f"{link.start} → {link.end}: {told}")}</title>'
            f'<path class="reach" d="{line}"/><path d="{line}"/>{self._head(route[-1])}</g>'
        )

    def _head(self, tip: Point) -> str:
        back = tip.along - 8
        corners = (tip, Point(back, tip.across - 4), Point(back, tip.across + 4))
        points = " ".join("{:.1f},{:.1f}".format(*self._xy(each)) for each in corners)
        return f'<polygon points="{points}"/>'

    def _corner(self, name: str) -> tuple[float, float, float, float]:
        x, y = self._xy(self._layout.centres[name])
        width, height = self._boxes[name]
        return x - width / 2, y - height / 2, width, height

    def _xy(self, point: Point, border: float = _MARGIN) -> tuple[float, float]:
        along, across = point.along + border, point.across + border
        return (across, along) if self._downwards else (along, across)


def _start(link: Link) -> str:
    return _source_key(link.start) if link.from_source else link.start


def _source_key(name: str) -> str:
    # A dataset and a node may have one name.
    return f"{name}\0source"


def _box_width(names: list[str], least: float = 0) -> float:
    longest = max((len(_short(name)) for name in names), default=0)
    return max(least, longest * _LETTER + 28)


def _fit(name: str, width: float, *, slim: bool = False) -> str:
    """Return what keeps a name within *width*, in whichever font the reader has."""
    if len(_short(name)) * _WIDE_LETTER * (_SLIM if slim else 1) <= width:
        return ""
    return f' textLength="{width:.0f}" lengthAdjust="spacingAndGlyphs"'


def _short(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    half = (_LONGEST - 1) // 2
    return f"{name[:half]}…{name[-half:]}"
