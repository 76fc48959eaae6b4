"""``models``: the versions in the Model Registry of a target, and their way to another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli import words
from sf_ml_framework.cli.connection_options import (
    completes_targets,
    connection_options,
    target_option,
)
from sf_ml_framework.cli.groups import Group, Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form
from sf_ml_framework.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from sf_ml_framework.manifest.model import DatasetSpec, Manifest
    from sf_ml_framework.places.snowflake.model_promotion import Place, Promotion
    from sf_ml_framework.places.snowflake.session import Account


@click.group(cls=Group, subcommand_metavar="COMMAND ...")
def models() -> None:
    """See the versions of models in a target, and move one to another target.

    MODEL is a model's name in the catalog; MODEL@VERSION one version of it, the author's (v1.0.0)
    or the registry's (V1_0_0_2).

    Examples:
        mlops models ls --target test
        mlops models promote churn_model --from test --to prod
        mlops models rollback churn_model --target prod
    """


@models.command("ls", cls=Subcommand)
@target_option
@connection_options
@format_option
@click.pass_obj
def list_models(invocation: Invocation, /, target: str, form: Form) -> None:
    """List the versions of models in a target's schema.

    For each version what it is loaded as by nodes, whether SQL scores with it by default, and its
    metrics.

    Examples:
        mlops models ls
        mlops models ls --target prod --format json
    """
    from sf_ml_framework.places.snowflake.model_promotion import row_of

    with _opened(invocation, target) as (place, _, _):
        rows = [
            row_of(version, place.records(model.lower()), place)
            for model in place.schema.models()
            for version in place.schema.versions(model).values()
        ]
    columns = _COLUMNS if form == "table" else tuple(Column(key) for key in _FIELDS)
    invocation.output.table(columns, rows, form, empty="there are no models")


@models.command("show", cls=Subcommand)
@click.argument("model", metavar="MODEL[@VERSION]")
@target_option
@connection_options
@format_option
@click.pass_obj
def show(invocation: Invocation, /, model: str, target: str, form: Form) -> None:
    """Show one version of a model: metrics, tags, what made it, where it came from.

    Examples:
        mlops models show churn_model
        mlops models show churn_model@V1_0_0_2 --target prod --format json
    """
    from sf_ml_framework.places.snowflake.model_promotion import row_of

    with _opened(invocation, target) as (place, manifest, _):
        dataset, version = _split(model, manifest)
        record, found = place.chosen(dataset.name, version, dataset.version)
        row = row_of(found, place.records(dataset.name), place)
        row |= {"tags": place.schema.tags(found.model), "bytes": record.bytes}
    if form == "json":
        invocation.output.json(row)
        return
    rows = [
        {"what": key.replace("_", " "), "value": _plain(value)}
        for key, value in row.items()
        if value not in ("", [], {}) and key != "bytes"
    ]
    invocation.output.table((Column("what"), Column("value")), rows, form, empty="")


@models.command("promote", cls=Subcommand)
@click.argument("model", metavar="MODEL[@VERSION]")
@click.option(
    "--from", "source", required=True, metavar="TARGET", shell_complete=completes_targets,
    help="Target that has the version.",
)  # fmt: skip
@click.option(
    "--to", "target", required=True, metavar="TARGET", shell_complete=completes_targets,
    help="Target that gets it.",
)  # fmt: skip
@click.option(
    "--alias", default=None, metavar="NAME",
    help="Alias that the version gets; by default the target's name.",
)  # fmt: skip
@click.option(
    "--default/--no-default", default=True,
    help="Whether SQL scores with it from then on (by default).",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--approve", default="", metavar="TARGET",
    help="Say yes to a target whose approval is required, by its name.",
)  # fmt: skip
@connection_options
@click.pass_obj
def promote(
    invocation: Invocation, /, model: str, source: str, target: str, alias: str | None,
    *, default: bool, dry_run: bool, yes: bool, approve: str,
) -> None:  # fmt: skip
    """Copy a version of a model from one target to another.

    Nothing is trained: files, metrics, comment and tags are carried over, its bytes are checked,
    and nodes of the other target load it from then on, as the same version. One that the target
    has already is not copied again. Works as the run role of --to, which needs READ on the model.

    Examples:
        mlops models promote churn_model --from test --to prod
        mlops models promote churn_model@V1_0_0_2 --from test --to prod --alias champion --yes
    """
    from sf_ml_framework.places.snowflake import model_promotion

    if source == target:
        raise UsageError("--from and --to are the same target", remedy="name two")
    output = invocation.output
    with _opened(invocation, target, owning=True) as (place, manifest, account):
        dataset, version = _split(model, manifest)
        other = _place(invocation, account, source)
        plan = model_promotion.planned(other, place, dataset.name, version, dataset.version)
        name = _alias(alias, place)
        todo = list(model_promotion.statements(plan, other, place, account))
        _tell(invocation, plan, place, todo, name, default=default)
        question = f"promote {dataset.name}@{plan.record.version} to {target}?"
        if dry_run or not _agreed(invocation, place, question, yes=yes, approve=approve):
            return
        record = model_promotion.carry_out(
            plan, other, place, account, todo, alias=name, default=default
        )
    output.text(
        f"{dataset.name}@{record.version} of {target} is now {record.registry_version},"
        f" from {source}"
    )
    if record.version != dataset.version:
        output.talk(f"nodes load {dataset.name}@{dataset.version}, as the catalog says")


@models.command("rollback", cls=Subcommand)
@click.argument("model", metavar="MODEL[@VERSION]")
@target_option
@click.option("--to", default="", metavar="VERSION", help="Version of the registry to go back to.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@click.pass_obj
def rollback(invocation: Invocation, /, model: str, target: str, *, to: str, yes: bool) -> None:
    """Go back to the version of a model that stood before.

    Nothing is dropped or copied: nodes load, and SQL scores with, the version that today's took the
    place of. Called again it goes back one more.

    Examples:
        mlops models rollback churn_model --target prod
        mlops models rollback churn_model --target prod --to V1_0_0 --yes
    """
    from sf_ml_framework.cli.deployer import agreed
    from sf_ml_framework.places.snowflake.model_promotion import way_back

    with _opened(invocation, target, owning=True) as (place, manifest, _):
        dataset, version = _split(model, manifest)
        record, found = way_back(place, dataset.name, version or dataset.version, to)
        question = f"let {dataset.name}@{record.version} be {found.registry.name} again?"
        if not agreed(invocation, question, yes=yes):
            return
        place.point(record, alias=_alias(None, place), default=True)
        invocation.output.text(
            f"{dataset.name}@{record.version} of {place.target.name} is {found.registry.name} again"
        )


@contextmanager
def _opened(
    invocation: Invocation, target: str, *, owning: bool = False
) -> Iterator[tuple[Place, Manifest, Account]]:
    """Open the models of a target; *owning*: as its run role, which is to own what is made."""
    from sf_ml_framework.cli.account import open_account
    from sf_ml_framework.cli.workspace import open_workspace
    from sf_ml_framework.places.snowflake.model_promotion import Place

    with open_workspace(invocation) as workspace:
        chosen = workspace.chosen(target)
        manifest = workspace.manifest_in(chosen)
    with open_account(invocation, chosen.name, role=chosen.role if owning else "") as opened:
        if owning:
            # So that the user's other roles see the other target's model.
            opened.account.with_other_roles()
        yield Place(opened.account, opened.target), manifest, opened.account


def _place(invocation: Invocation, account: Account, target: str) -> Place:
    """Return the models of another target, reached by the same connection."""
    from sf_ml_framework.cli.workspace import open_workspace
    from sf_ml_framework.places.snowflake.model_promotion import Place

    with open_workspace(invocation) as workspace:
        return Place(account, workspace.chosen(target))


def _split(model: str, manifest: Manifest) -> tuple[DatasetSpec, str]:
    """Return the model's dataset and the version that is named; empty where none is."""
    name, _, version = model.partition("@")
    known = {each.name: each for each in manifest.datasets if each.kind == "model"}
    if name not in known:
        raise UnknownNameError(kind="model", name=name, known=known)
    return known[name], version


def _agreed(
    invocation: Invocation, place: Place, question: str, *, yes: bool, approve: str
) -> bool:
    from sf_ml_framework.cli.approving import approved

    return approved(invocation, place.target, question, yes=yes, approve=approve) is not None


def _alias(given: str | None, place: Place) -> str:
    from sf_ml_framework.places.snowflake.model_versions import why_not_alias

    alias = place.target.alias if given is None else given
    if alias and (why := why_not_alias(alias)):
        raise UsageError(f"{alias!r} cannot be an alias: {why}", remedy="as in champion")
    return alias.upper()


def _tell(
    invocation: Invocation, plan: Promotion, place: Place, todo: list[str], alias: str,
    *, default: bool,
) -> None:  # fmt: skip
    talk = invocation.output.talk
    found = plan.source
    what = f"{plan.record.dataset}@{plan.record.version}"
    talk(f"{what}, {found.registry.name} in the registry: {found.registry.comment}")
    for name, value in found.metrics.items():
        talk(f"  {name}: {value}")
    verb = "is copied to" if plan.is_copied else "is there already, as"
    talk(f"{verb} {place.full(found.model)} version {plan.name}")
    for statement in todo:
        talk(f"{statement};")
    other = plan.before and plan.before != plan.name
    now = f", instead of {plan.before}" if other else ""
    talk(f"nodes of {place.target.name} load it as {what}{now}")
    if default:
        talk("SQL scores with it by default")
    if alias:
        talk(f"its alias is {alias}")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _numbers(metrics: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in metrics.items()
        if isinstance(value, int | float)
    )


_FIELDS = (
    "model", "version", "registry", "loaded_as", "default", "aliases", "created", "metrics",
    "node", "run", "commit", "content", "promoted_from", "promoted_by", "promoted_at",
    "instead_of", "target",
)  # fmt: skip
_COLUMNS = (
    Column("model"),
    Column("registry", title="version"),
    Column("loaded_as", title="loaded as"),
    Column("default", lambda default: "default" if default else "", title=""),
    Column("aliases", ", ".join),
    Column("created", words.local_time, can_go=True),
    Column("promoted_from", title="promoted from", can_go=True, gives_way=True),
    Column("metrics", _numbers, gives_way=True, can_go=True),
)
