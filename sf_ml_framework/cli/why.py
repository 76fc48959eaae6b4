"""``why``: whether a node would run now, and the first thing that decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec

from sf_ml_framework.cli import words
from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import (
    data_format_option,
    format_option,
    inputs_option,
    node_argument,
    params_option,
)
from sf_ml_framework.cli.output import Column, Form, Output
from sf_ml_framework.cli.where import where_options
from sf_ml_framework.cli.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from sf_ml_framework.run.bindings import Bindings
    from sf_ml_framework.run.cache import Decision
    from sf_ml_framework.run.overrides import Overrides
    from sf_ml_framework.run.records import NodeRun, Reason

Verdict = Literal["run", "skip", "depends"]
"""``depends``: nodes before it would run, and it does only if they make something else."""


class Answer(msgspec.Struct, kw_only=True):
    """Why a node would run, or not."""

    node: str
    verdict: Verdict
    reason: Reason
    differences: tuple[Reason, ...] = ()
    before: tuple[tuple[str, Reason], ...] = ()
    """Nodes that would run before it, each with its own reason."""
    last: NodeRun | None = None
    """Its last success."""


@click.command(cls=Command)
@node_argument
@params_option
@inputs_option
@data_format_option
@format_option
@where_options
@click.pass_obj
def why(invocation: Invocation, /, node: str, form: Form, **options: Any) -> None:
    """Tell why a node would run, or be skipped.

    Names the first difference from its last success: code, parameter, data, library, or a
    result that is gone. Runs nothing.

    Examples:
        mlops why train_model
        mlops why train_model --params n_trials=30
    """
    from sf_ml_framework.run import overrides

    changed = overrides.parse(options["inputs"], "", options["params"])
    with open_workspace(invocation, options["data_format"], anywhere=True) as workspace:
        answer = answer_for(workspace, node, changed)
    match form:
        case "json":
            invocation.output.json(_document(answer))
        case "csv":
            invocation.output.table(_COLUMNS, [_row(answer)], "csv")
        case _:
            _tell(answer, invocation.output)


def answer_for(workspace: Workspace, name: str, changed: Overrides) -> Answer:
    """Return why the node *name* would run if the pipeline ran now."""
    from sf_ml_framework.manifest import graph
    from sf_ml_framework.run.bindings import bind

    workspace.node(name)
    edges = graph.edges_of(workspace.manifest)
    wanted = graph.ancestors(edges, [name])
    selection = [node.name for node in workspace.manifest.nodes if node.name in wanted]
    bound = bind(workspace.manifest, selection, changed)
    decided = {each: _decide(workspace, each, bound[each]) for each in selection}
    # A node after one that runs may run too; only its own reasons are told for it.
    before = tuple(
        (each, decision.reason)
        for each, decision in decided.items()
        if each != name and not decision.hit
    )
    own = decided[name]
    verdict: Verdict = "run"
    if own.hit:
        verdict = "depends" if before else "skip"
    workspace.cache.keep()
    return Answer(
        node=name,
        verdict=verdict,
        reason=own.reason,
        differences=own.differences,
        before=before,
        last=workspace.journal.last_success(name),
    )


def _decide(workspace: Workspace, name: str, bindings: Bindings) -> Decision:
    """Return the decision on one node with what stands now."""
    from sf_ml_framework.run.bindings import resolve
    from sf_ml_framework.run.cache import Decision
    from sf_ml_framework.run.records import Reason

    datasets = {dataset.name: dataset for dataset in workspace.manifest.datasets}
    resolved = resolve(bindings, datasets, workspace.place)
    inputs = {}
    for spec in resolved.inputs:
        found = workspace.place.find(datasets[spec.dataset], spec.version)
        if found is None:
            kind = workspace.place.why_not_found(datasets[spec.dataset], spec.version)
            detail = f"{spec.dataset}@{spec.version} is {kind or 'missing'}"
            reason = Reason(kind="input_changed", detail=detail)
            if workspace.journal.last_success(name) is None:
                reason = Reason(kind="first_run")
            return Decision(hit=False, reason=reason, differences=(reason,))
        inputs[spec.argument] = found
    node = workspace.node(name)
    return workspace.cache.decide(node, resolved, workspace.cache.key(node, resolved, inputs))


def _tell(answer: Answer, output: Output) -> None:
    from sf_ml_framework.show.words import reason

    node = output.styled(answer.node, "strong")
    match answer.verdict:
        case "run":
            output.text(f"{node} would run: {reason(answer.reason)}")
        case "skip":
            output.text(f"{node} would be skipped: {reason(answer.reason)}")
        case "depends":
            output.text(f"{node} would run only if what nodes before it make differs")
    for other in answer.differences[1:]:
        output.text(f"  also      {reason(other)}")
    for name, why_other in answer.before:
        output.text(f"  before it {name} would run: {reason(why_other)}")
    if answer.last is not None:
        when = words.local_time(answer.last.started)
        output.text(f"  last      success in run {answer.last.run_id}, {when}")


def _document(answer: Answer) -> dict[str, Any]:
    from sf_ml_framework.cli.shapes import reason_fields

    last = answer.last
    return {
        "node": answer.node,
        "verdict": answer.verdict,
        "reason": reason_fields(answer.reason),
        "differences": [reason_fields(each) for each in answer.differences],
        "before": [{"node": name, "reason": reason_fields(each)} for name, each in answer.before],
        "last_success": {"run": last.run_id, "started": last.started} if last else None,
    }


def _row(answer: Answer) -> dict[str, Any]:
    return {
        "node": answer.node,
        "verdict": answer.verdict,
        "kind": answer.reason.kind,
        "detail": answer.reason.detail,
    }


_COLUMNS = tuple(map(Column, ("node", "verdict", "kind", "detail")))
