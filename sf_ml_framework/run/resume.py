"""The command that resumes a run: it runs what did not succeed, and nothing twice."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sf_ml_framework.errors import UsageError
from sf_ml_framework.manifest import graph
from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.run.bindings import Bindings, bind
from sf_ml_framework.run.inputs import title
from sf_ml_framework.run.overrides import Overrides

_FLAGS = {"first": "--from", "last": "--to", "nodes": "--nodes"}


def resume_command(
    manifest: Manifest,
    bound: Mapping[str, Bindings],
    overrides: Overrides,
    *,
    unfinished: Sequence[str],
    skippable: Collection[str],
    program: str = "mlops run",
    flags: Sequence[str] = (),
) -> str:
    """Return the shortest command that runs exactly the *unfinished* nodes of a run.

    Args:
        manifest: the whole graph.
        bound: the nodes of the run, with what filled them.
        overrides: what was changed for the run.
        unfinished: its nodes that did not succeed, in order.
        skippable: its nodes that the next run would skip; none when it is told to skip nothing.
        program: what the command begins with.
        flags: options of the run that must be given again.
    """
    commands: list[list[str]] = []
    for selection in _selections(manifest, unfinished):
        chosen = graph.select(manifest, **selection)
        again = set(chosen) - set(unfinished)
        kept = _kept(overrides, [bound[name] for name in chosen if name in bound])
        if (
            set(unfinished) <= set(chosen)
            and again <= set(skippable)
            and _same(manifest, chosen, kept, bound)
        ):
            commands.append([*_chosen_by(selection), *_options(kept), *flags])
    spelled = _spelled(manifest, bound, unfinished)
    commands.append([*_chosen_by({"nodes": unfinished}), *spelled, *flags])
    # Of two that are as short, the first says more plainly where the run goes on.
    shortest = min(commands, key=len)
    return " ".join([program, *map(shlex.quote, shortest)])


def _chosen_by(selection: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        part for key, names in selection.items() for name in names for part in (_FLAGS[key], name)
    ]


def _selections(manifest: Manifest, unfinished: Sequence[str]) -> Iterator[dict[str, list[str]]]:
    """Yield the ways to select that may hit the *unfinished* nodes and nothing else of note."""
    edges = graph.edges_of(manifest)
    first = [
        name for name in unfinished if not (graph.ancestors(edges, [name]) - {name}) & {*unfinished}
    ]
    last = [
        name
        for name in unfinished
        if not (graph.descendants(edges, [name]) - {name}) & {*unfinished}
    ]
    yield {}
    yield {"first": first}
    yield {"last": last}
    yield {"first": first, "last": last}
    yield {"nodes": list(unfinished)}


def _kept(overrides: Overrides, chosen: Sequence[Bindings]) -> Overrides:
    """Return what of *overrides* concerns the *chosen* nodes."""
    inputs, params, outputs = set[str](), set[str](), set[str]()
    for each in chosen:
        params |= {*each.params}
        inputs |= {*each.params, *each.more_inputs, *(spec.argument for spec in each.inputs)}
        outputs |= {*each.more_outputs}
        outputs |= {name for one in each.outputs for name in (one.key, one.declared)}
    names = {each.node for each in chosen}

    def concerns(key: str, known: set[str]) -> bool:
        return key in known or key.partition(".")[0] in names

    return Overrides(
        inputs={key: value for key, value in overrides.inputs.items() if concerns(key, inputs)},
        params={key: value for key, value in overrides.params.items() if concerns(key, params)},
        outputs={key: value for key, value in overrides.outputs.items() if concerns(key, outputs)},
    )


def _same(
    manifest: Manifest,
    chosen: Sequence[str],
    overrides: Overrides,
    bound: Mapping[str, Bindings],
) -> bool:
    """Return whether the *chosen* nodes would be filled as they were."""
    try:
        again = bind(manifest, chosen, overrides)
    except UsageError:
        return False
    return all(again[name] == bound.get(name) for name in chosen)


def _spelled(manifest: Manifest, bound: Mapping[str, Bindings], names: Sequence[str]) -> list[str]:
    """Return options that say of each node by itself how it differs from its declaration."""
    plain = bind(manifest, names, Overrides())
    inputs: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for name in names:
        now, declared = bound[name], plain[name]
        inputs |= {
            f"{name}.{key}": value
            for key, value in now.params.items()
            if key not in declared.params or declared.params[key] != value
        }
        inputs |= {f"{name}.{key}": value for key, value in now.more_inputs.items()}
        inputs |= {
            f"{name}.{spec.argument}": title(spec.dataset, spec.version)
            for spec in now.inputs
            if spec not in declared.inputs
        }
        outputs |= {
            f"{name}.{each.key or each.declared}": title(each.dataset, each.version)
            for each in now.outputs
            if each not in declared.outputs
        }
        outputs |= {f"{name}.{key}": value for key, value in now.more_outputs.items()}
    return _options(Overrides(inputs=inputs, outputs=outputs))


def _options(overrides: Overrides) -> list[str]:
    options = [f"--params={key}={value}" for key, value in overrides.params.items()]
    for flag, values in (("--inputs", overrides.inputs), ("--outputs", overrides.outputs)):
        if values:
            options += [flag, json.dumps(values, ensure_ascii=False)]
    return options
