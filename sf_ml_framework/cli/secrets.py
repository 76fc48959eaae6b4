"""``secrets``: what nodes may read in an account and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.groups import Group, Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form
from sf_ml_framework.cli.secret_values import nothing_more, secret_value
from sf_ml_framework.errors import OperatorError, UsageError

if TYPE_CHECKING:
    from sf_ml_framework.cli.account import OpenedAccount
    from sf_ml_framework.manifest.model import Manifest
    from sf_ml_framework.places.snowflake.secrets import Kind, Secrets, StandingSecret

_EXITS = (0, 2, 3, 4, 130)
_MORE = click.argument("more", nargs=-1, metavar="")


@click.group(cls=Group)
def secrets() -> None:
    """Set and list the secrets that nodes ask for; show none of their values.

    A secret is called as nodes call it; it stands in the target's schema, or where the target's
    `secrets` says. The commands work as ACCOUNTADMIN unless --role names another role, which needs
    CREATE SECRET on the schema, or owns the secret.

    Examples:
        mlops secrets set maps_key
        mlops secrets ls --target prod
    """


@secrets.command("set", cls=Subcommand, exits=_EXITS)
@click.argument("name", metavar="NAME")
@_MORE
@target_option
@click.option(
    "--type",
    "kind",
    type=click.Choice(["GENERIC_STRING", "PASSWORD"], case_sensitive=False),
    default="GENERIC_STRING",
    show_default=True,
    help="One text, or a user with a password.",
)
@click.option("--username", metavar="USER", default="", help="The user of a PASSWORD.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Read the value from a file; the line end after it is left out.",
)
@click.option("--verify", is_flag=True, help="Look whether the account's history shows the value.")
@connection_options
@click.pass_obj
def set_secret(
    invocation: Invocation,
    /,
    *,
    name: str,
    target: str,
    kind: Kind,
    username: str,
    file: Path | None,
    more: tuple[str, ...],
    verify: bool,
) -> None:
    """Give a secret a value; make it where there is none.

    The value is typed, unseen and twice; or it comes from standard input or from --file. It is
    never an argument. The target's run role may read the secret when a node asks for it.

    Containers that run see the new value in their file within minutes.

    Examples:
        mlops secrets set maps_key
        vault read -field=key maps | mlops secrets set maps_key --target prod
        mlops secrets set warehouse_login --type PASSWORD --username loader --file password.txt
    """
    from sf_ml_framework.places.snowflake.secrets import LONGEST

    nothing_more(more)
    if (kind == "PASSWORD") != bool(username):
        wrong = "needs --username" if kind == "PASSWORD" else "takes no --username"
        raise UsageError(f"a secret of type {kind} {wrong}", remedy="see --help")
    with _opened(invocation, target) as (opened, manifest, held):
        full = _full(opened, name)
        value = secret_value(invocation, what=f"value of {full}", file=file, longest=LONGEST)
        single = {"SECRET_STRING": value}
        values = {"USERNAME": username, "PASSWORD": value} if username else single
        new, query_id = held.put(full, kind, values)
        nodes = _asking(opened, manifest).get(full, [])
        told = "; no node asks for it yet" if not nodes else ""
        if nodes and _allowed(invocation, opened, held, full):
            told = f"; {opened.target.role} may read it for {', '.join(nodes)}"
        invocation.output.text(f"{'made' if new else 'changed'} secret {full}{told}")
        if verify:
            _verify(invocation, held, query_id, value)


def _allowed(invocation: Invocation, opened: OpenedAccount, held: Secrets, full: str) -> bool:
    """Let the run role read a secret; return whether that could be done."""
    try:
        held.allow(full, opened.target.role)
    except OperatorError as error:
        invocation.output.complain(
            f"warning: {opened.target.role} may not read it yet: {error};"
            f" mlops infra apply --target {opened.target.name} grants it"
        )
        return False
    return True


def _verify(invocation: Invocation, held: Secrets, query_id: str, value: str) -> None:
    if held.shown_by_history(query_id, [value]):
        raise OperatorError(
            f"the history of the account shows the value, in statement {query_id}",
            remedy="give the secret another value by another way, and report this",
        )
    invocation.output.text("the account's history does not show the value")


@secrets.command("ls", cls=Subcommand, exits=_EXITS)
@target_option
@format_option
@connection_options
@click.pass_obj
def list_secrets(invocation: Invocation, /, target: str, form: Form) -> None:
    """List the secrets: who asks for them, which are there, since when, and who may read them.

    `changed` is when `mlops secrets set` last gave it a value. Never shows a value: nothing of the
    account gives one out.

    Examples:
        mlops secrets ls
        mlops secrets ls --target prod --format json
    """
    with _opened(invocation, target) as (opened, manifest, held):
        rows = list(_rows(opened, manifest, held))
    columns = [
        Column("name"),
        Column("state", style=lambda state: "bad" if state == "missing" else "plain"),
        Column("type", can_go=True),
        Column("nodes", gives_way=True),
        Column("created", can_go=True),
        Column("changed"),
        Column("readers", gives_way=True),
        Column("secret", gives_way=True),
    ]
    empty = "no node asks for a secret, and the target's schema has none"
    invocation.output.table(columns, rows, form, empty=empty)


@secrets.command("rm", cls=Subcommand, exits=_EXITS)
@click.argument("name", metavar="NAME")
@target_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@click.pass_obj
def remove_secret(invocation: Invocation, /, name: str, target: str, *, yes: bool) -> None:
    """Drop a secret, its value and who may read it.

    A node that asks for it cannot be started after that.

    Examples:
        mlops secrets rm maps_key --target dev
    """
    from sf_ml_framework.cli.deployer import agreed

    with _opened(invocation, target) as (opened, manifest, held):
        full = _full(opened, name)
        if held.find(full) is None:
            raise OperatorError(
                f"there is no secret {full}, or the role may not see it",
                remedy="see `mlops secrets ls`",
            )
        nodes = _asking(opened, manifest).get(full, [])
        if nodes:
            invocation.output.talk(f"warning: {', '.join(nodes)} asks for it")
        if agreed(invocation, f"drop secret {full}?", yes=yes):
            held.remove(full)
            invocation.output.text(f"dropped secret {full}")


@contextmanager
def _opened(
    invocation: Invocation, target: str
) -> Iterator[tuple[OpenedAccount, Manifest, Secrets]]:
    """Open the account, as whoever may make secrets; the project is read before."""
    from sf_ml_framework.cli.account import open_account
    from sf_ml_framework.cli.workspace import open_workspace
    from sf_ml_framework.places.snowflake.secrets import Secrets
    from sf_ml_framework.plan.script import ADMIN

    with open_workspace(invocation) as workspace:
        manifest = workspace.manifest
    with open_account(invocation, target, role=ADMIN) as opened:
        yield opened, manifest, Secrets(opened.account)


def _full(opened: OpenedAccount, name: str) -> str:
    """Return a secret's name in the account.

    Raises:
        UsageError: it cannot be one; what was typed is not repeated, for it may be the value.
    """
    from sf_ml_framework.identifiers import why_not_identifier
    from sf_ml_framework.plan import names

    full = names.secret(opened.target, name)
    parts = full.split(".")
    if len(parts) != 3 or any(why_not_identifier(part) for part in parts):
        raise UsageError(
            "that is no name of a secret: it has letters, digits and _, and no digit first",
            remedy="name it as nodes do, as in `mlops secrets set maps_key`; the value comes after",
        )
    return full


def _asking(opened: OpenedAccount, manifest: Manifest) -> dict[str, list[str]]:
    """Return for each secret that is asked for, by its full name, the nodes that do.

    That of a webhook is asked for by the target's notifications.
    """
    from sf_ml_framework.plan import names

    found: dict[str, list[str]] = {}
    if webhook := opened.target.notifications.webhook_secret:
        found[names.in_place(opened.target, webhook)] = ["notifications"]
    for node in manifest.nodes:
        for each in node.secrets:
            found.setdefault(names.secret(opened.target, each), []).append(node.name)
    return found


def _rows(opened: OpenedAccount, manifest: Manifest, held: Secrets) -> Iterator[dict[str, Any]]:
    from sf_ml_framework.places.snowflake.roles import sees_everything
    from sf_ml_framework.plan import names

    asking = _asking(opened, manifest)
    called = {
        names.secret(opened.target, each): each for node in manifest.nodes for each in node.secrets
    }
    standing: dict[str, StandingSecret] = {}
    unseen = set()
    own = names.schema(opened.target)
    sure = sees_everything(opened.account.role)
    for schema in sorted({own, *(full.rpartition(".")[0] for full in asking)}):
        try:
            # Of other schemas only what is asked for is this project's.
            found = [s for s in held.in_schema(schema) if schema == own or s.name in asking]
        except OperatorError:
            unseen.add(schema)
        else:
            standing |= {secret.name: secret for secret in found}
    for full in sorted({*asking, *standing}):
        there = standing.get(full)
        blind = not sure or full.rpartition(".")[0] in unseen
        absent = "not seen" if blind else "missing"
        yield {
            "name": called.get(full, full.rpartition(".")[2].lower()),
            "secret": full,
            "state": "there" if there else absent,
            "type": there.kind if there else "",
            "nodes": asking.get(full, []),
            "created": there.created if there else "",
            "changed": there.changed if there else "",
            "owner": there.owner if there else "",
            "readers": _readers(held, full) if there else [],
        }


def _readers(held: Secrets, full: str) -> list[str] | None:
    try:
        return held.readers(full)
    except OperatorError:
        return None
