"""``env``: environments that come and go, each a clone of a target's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from sf_ml_framework.cli import words
from sf_ml_framework.cli.connection_options import completes_targets, connection_options
from sf_ml_framework.cli.groups import Group, Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form, Style
from sf_ml_framework.errors import UsageError

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.environments import Made


@click.group(cls=Group, subcommand_metavar="COMMAND ...")
def env() -> None:
    """Make, list and take away environments, such as one for a pull request.

    An environment is a zero-copy clone of a target's database, with what is around it. Its name is
    a target for every other command, on every machine that reaches the account.

    Examples:
        mlops env create pr-42 --from test --expires 3d
        mlops deploy --target pr-42 --yes
        mlops tasks run --target pr-42 --wait
        mlops env destroy pr-42 --yes
    """


@env.command(cls=Subcommand)
@click.argument("name")
@click.option(
    "--from",
    "of",
    metavar="TARGET",
    default="",
    shell_complete=completes_targets,
    help="Target that is cloned; by default `environments.from` of mlops.yml.",
)
@click.option(
    "--expires",
    default=None,
    metavar="TIME",
    help="How long it is to stand, as in 3d or 12h; `mlops env destroy --expired` then takes it.",
)
@click.option(
    "--shared/--own",
    "shared",
    default=None,
    help="Use roles, warehouse and pools of the target, or make its own (by default).",
)
@click.option("--dry-run", is_flag=True, help="Show what would be run, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@click.pass_obj
def create(
    invocation: Invocation,
    /,
    name: str,
    of: str,
    expires: str | None,
    *,
    shared: bool | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Clone a target's database, and make the clone a target of its own.

    Tables, views, results and their history come along, so a first run skips what has not changed.
    Models are copied. The graph of tasks does not come along: deploy it. Images are those of the
    target, in its repository. By default the environment has roles, a warehouse and pools of its
    own, which ACCOUNTADMIN makes; with --shared it uses the target's, and a role needs CREATE
    DATABASE (name it with --role).

    One that stands already is left, but for the time it expires. One that was left half-made is
    finished.

    Examples:
        mlops env create pr-42 --from test
        mlops env create pr-42 --expires 3d --yes
        mlops env create pr-42 --shared --role MLOPS_TEST_DEPLOY_ROLE --yes
    """
    from sf_ml_framework.cli.env_making import Wish, make

    wish = Wish(name=name, of=of, expires=expires, shared=shared)
    make(invocation, wish, dry_run=dry_run, yes=yes)


@env.command("ls", cls=Subcommand)
@click.option("--all", "everything", is_flag=True, help="Also those of other projects.")
@connection_options
@format_option
@click.pass_obj
def list_environments(invocation: Invocation, /, *, everything: bool, form: Form) -> None:
    """List the environments in the account.

    Those that your roles may see: with --role ACCOUNTADMIN all of them.

    Examples:
        mlops env ls
        mlops env ls --format json --role ACCOUNTADMIN
    """
    from sf_ml_framework.cli.env_making import opened_environments

    with opened_environments(invocation) as (_, found, at, project):
        shown = [each for each in found if everything or each.environment.project == project]
    rows = [_row(each, at) for each in shown]
    columns = _COLUMNS if form == "table" else tuple(Column(key) for key in _FIELDS)
    invocation.output.table(columns, rows, form, empty="there are no environments")


@env.command(cls=Subcommand)
@click.argument("name", required=False, default="")
@click.option("--expired", is_flag=True, help="All of this project whose time is over.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@click.pass_obj
def destroy(invocation: Invocation, /, name: str, *, expired: bool, yes: bool) -> None:
    """Take an environment away: its runs, pools, warehouse, roles, and its database.

    Only what `mlops env create` made is taken: a target of mlops.yml never is, nor is anything
    that is shared with one. Its database can be brought back with UNDROP DATABASE, for a day.

    Examples:
        mlops env destroy pr-42
        mlops env destroy --expired --yes
    """
    from sf_ml_framework.cli.env_taking import take

    if bool(name) == expired:
        raise UsageError("name an environment, or say --expired", remedy="mlops env ls lists them")
    take(invocation, name, yes=yes)


_FIELDS = ("name", "of", "database", "shared", "state", "created", "expires", "by", "project")


def _row(made: Made, at: str) -> dict[str, Any]:
    found = msgspec.structs.asdict(made.environment)
    if found["state"] == "ready" and made.environment.is_expired(at):
        found["state"] = "expired"
    return {**found, "database": made.database}


def _style(state: str) -> Style:
    styles: dict[str, Style] = {"ready": "good", "expired": "bad"}
    return styles.get(state, "plain")


_COLUMNS = (
    Column("name"),
    Column("of", title="from"),
    Column("database"),
    Column("shared", lambda shared: "yes" if shared else "no", can_go=True),
    Column("state", style=_style),
    Column("created", words.local_time, can_go=True),
    Column("expires", lambda at: words.local_time(at) if at else "never"),
    Column("by", can_go=True),
)
