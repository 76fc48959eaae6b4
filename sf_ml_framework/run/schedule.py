"""In which order nodes may begin. Knows nothing of processes, data or time."""

from __future__ import annotations

from collections.abc import Collection, Mapping


class Schedule:
    """The nodes of one run that have not ended yet.

    Args:
        edges: for each node, in the order of preference, the nodes of this run it waits for.
    """

    def __init__(self, edges: Mapping[str, Collection[str]]) -> None:
        self._rank = {name: position for position, name in enumerate(edges)}
        self._waits = {name: set(before) for name, before in edges.items()}
        self._after: dict[str, list[str]] = {name: [] for name in edges}
        for name, before in edges.items():
            for other in before:
                self._after[other].append(name)
        self._ready = [name for name, before in self._waits.items() if not before]
        for name in self._ready:
            del self._waits[name]

    def take_ready(self) -> list[str]:
        """Return the nodes that may begin now and were not returned before, in order."""
        taken, self._ready = sorted(self._ready, key=self._rank.__getitem__), []
        return taken

    def finish(self, name: str) -> None:
        """Let begin what waited for *name* alone."""
        for other in self._after[name]:
            waits = self._waits.get(other)
            if waits is not None:
                waits.discard(name)
                if not waits:
                    del self._waits[other]
                    self._ready.append(other)

    def block(self, name: str) -> list[str]:
        """Return, in order, the nodes that can never begin since *name* gave no result."""
        blocked: set[str] = set()
        queue = [name]
        while queue:
            for other in self._after[queue.pop()]:
                if self._waits.pop(other, None) is not None:
                    blocked.add(other)
                    queue.append(other)
        return sorted(blocked, key=self._rank.__getitem__)

    def block_all(self) -> list[str]:
        """Return, in order, every node that has not begun; none of them will."""
        blocked = sorted([*self._ready, *self._waits], key=self._rank.__getitem__)
        self._ready, self._waits = [], {}
        return blocked
