"""The graph of a project: as an indented text, for Mermaid, and as a picture."""

from __future__ import annotations

from collections.abc import Mapping

from sf_ml_framework.manifest.model import Manifest, NodeSpec
from sf_ml_framework.run.records import NodeRun
from sf_ml_framework.show import words
from sf_ml_framework.show.links import Link, links_of, sources_of
from sf_ml_framework.show.picture import svg

__all__ = ["mermaid", "svg", "text"]


def text(manifest: Manifest, runs: Mapping[str, NodeRun] | None = None) -> str:
    """Return the graph as a tree: each node below the last of those it waits for.

    What else it waits for stands behind ``with``, what it makes behind an arrow. With *runs*
    each node is marked with how it ended and how long it took.
    """
    links = links_of(manifest)
    rank = {node.name: position for position, node in enumerate(manifest.nodes)}
    parents = {
        node.name: sorted(
            (link.start for link in links if link.end == node.name and not link.from_source),
            key=rank.__getitem__,
        )
        for node in manifest.nodes
    }
    children: dict[str, list[str]] = {}
    for name, before in parents.items():
        children.setdefault(before[-1] if before else "", []).append(name)
    lines: list[tuple[str, str]] = []
    # A stack of our own: a chain of a thousand nodes is deeper than Python calls.
    stack = [(root, "", "") for root in reversed(children.get("", []))]
    while stack:
        name, lead, rail = stack.pop()
        mark = f"{words.state_of(runs.get(name)).mark} " if runs is not None else ""
        right = _beside(manifest.node(name), parents[name][:-1], links, runs)
        lines.append((f"{lead}{mark}{name}", right))
        below = children.get(name, [])
        rails = [("├─ ", "│  ")] * (len(below) - 1) + [("└─ ", "   ")]
        pairs = list(zip(below, rails, strict=False))
        stack += ((child, rail + own, rail + deeper) for child, (own, deeper) in reversed(pairs))
    width = max((len(left) for left, _ in lines), default=0)
    return "".join(f"{left:<{width}}  {right}".rstrip() + "\n" for left, right in lines)


def mermaid(manifest: Manifest) -> str:
    """Return the graph as a Mermaid flowchart, edges labelled with what is handed over."""
    lines = ["flowchart LR"]
    lines += (f'    {_id("s", name)}[("{_quoted(name)}")]' for name in sources_of(manifest))
    lines += (f'    {_id("n", node.name)}["{_quoted(node.name)}"]' for node in manifest.nodes)
    for link in links_of(manifest):
        start, end = _id("s" if link.from_source else "n", link.start), _id("n", link.end)
        if link.from_source:
            lines.append(f"    {start} --> {end}")
        elif link.datasets:
            label = "<br/>".join(_quoted(name) for name in link.datasets)
            lines.append(f'    {start} -->|"{label}"| {end}')
        else:
            lines.append(f"    {start} -.-> {end}")
    return "\n".join(lines) + "\n"


def _beside(
    node: NodeSpec, others: list[str], links: list[Link], runs: Mapping[str, NodeRun] | None
) -> str:
    parts = []
    run = runs.get(node.name) if runs is not None else None
    if run is not None:
        parts.append(", ".join(filter(None, (words.state_of(run).word, words.took(run)))))
    sources = [link.start for link in links if link.end == node.name and link.from_source]
    if sources:
        parts.append(f"reads {', '.join(sources)}")
    if others:
        parts.append(f"with {', '.join(others)}")
    if node.outputs:
        parts.append(f"→ {', '.join(node.dataset_outputs)}")
    return "  ".join(parts)


def _id(kind: str, name: str) -> str:
    # A bare name may be a word of Mermaid's own, such as ``end``.
    return f"{kind}_{''.join(sign if sign.isalnum() else '_' for sign in name)}"


def _quoted(name: str) -> str:
    return name.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
