"""``grants``: exactly what each role must be granted, and what an account grants otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import click

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.faults import faults_apart
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.output import Column, Style
from sf_ml_framework.cli.where import same_place
from sf_ml_framework.cli.workspace import open_workspace

if TYPE_CHECKING:
    from sf_ml_framework.cli.output import Output
    from sf_ml_framework.plan.audit import Finding, Sight
    from sf_ml_framework.plan.objects import Grant
    from sf_ml_framework.targets import Target

DIFFERS = 2
"""Exit code of ``--check`` where the account and the project differ, as ``plan`` has it."""

Form = Literal["table", "json", "csv", "sql"]

_WHO = ("deploy", "run", "read")


@click.command(cls=Command)
@target_option
@click.option(
    "--of",
    "who",
    type=click.Choice(_WHO),
    multiple=True,
    help="Only what the role that deploys, runs or reads is granted; repeatable.",
)
@click.option("--check", is_flag=True, help="Compare with the account; end with 2 on a difference.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "sql"]),
    default="table",
    show_default=True,
    help="For a person, for a program, or as the statements alone.",
)
@connection_options
@click.pass_obj
def grants(
    invocation: Invocation, /, target: str, who: tuple[str, ...], *, check: bool, form: Form
) -> None:
    """Tell exactly what each role must be granted, and why.

    Each privilege of the deploy role, the run role and the read role stands beside the line of
    configuration that needs it; without any of them something fails. With --check the account is
    asked, and changed in nothing: what a role lacks is told with the GRANT that gives it, what it
    holds though nothing in the project asks for it with the REVOKE that takes it. It looks as the
    connection's role, or else as the deploy role. Of roles that the session neither has nor may
    manage what is not listed is not known, and is told as such; --role SECURITYADMIN sees all.

    Examples:
        mlops grants --target prod
        mlops grants --of run --format sql
        mlops grants --check --role SECURITYADMIN
        mlops grants --check --format sql > mend.sql
    """
    with faults_apart(invocation, DIFFERS, wanted=check):
        chosen, wanted = _wanted(invocation, target, who)
        compared = _compared(invocation, target, chosen, wanted, who) if check else None
    if compared is None:
        check_line = f"{invocation.program} grants --check{same_place(target)}"
        _show(invocation.output, chosen, wanted, form, check_line)
        return
    _tell(invocation.output, chosen, *compared, form)
    _end(*compared)


def _wanted(
    invocation: Invocation, target: str, who: Sequence[str]
) -> tuple[Target, tuple[Grant, ...]]:
    from sf_ml_framework.plan import access

    with open_workspace(invocation) as workspace:
        chosen = workspace.chosen(target)
        every = access.needed(workspace.manifest_in(chosen), chosen)
    roles = _roles(chosen, who)
    # Who may have the deploy role belongs to it.
    return chosen, tuple(
        grant for grant in every if grant.to in roles or (grant.on == "ROLE" and not who)
    )


def _roles(target: Target, who: Sequence[str]) -> list[str]:
    every = dict(zip(_WHO, (target.deploy_role, target.role, target.read_role), strict=True))
    return list(dict.fromkeys(every[each] for each in who or _WHO))


# What is wanted.


def _show(
    output: Output, target: Target, wanted: Sequence[Grant], form: Form, check_line: str
) -> None:
    if form == "sql":
        for line in _script(wanted):
            output.text(line)
        return
    if form == "table":
        output.table(_WANTED, _gathered(wanted), form)
        output.talk(f"{len(wanted)} grants of target {target.name}; compare: {check_line}")
        return
    output.table([Column(name) for name in _FIELDS], map(_fields, wanted), form)


def _script(wanted: Iterable[Grant]) -> Iterator[str]:
    """Yield the statements, each reason once above its own."""
    from sf_ml_framework.plan.definitions import created

    above = ""
    for grant in wanted:
        if grant.why != above:
            yield f"-- {grant.why}"
            above = grant.why
        yield f"{created(grant)};"


def _gathered(wanted: Iterable[Grant]) -> list[dict[str, Any]]:
    """Return a row for each object and reason, with all privileges of a role on it."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for grant in wanted:
        rows.setdefault((grant.to, object_of(grant), grant.why), []).append(grant.privilege)
    return [
        {"role": to, "privilege": privileges, "on": on, "because": why}
        for (to, on, why), privileges in rows.items()
    ]


def object_of(grant: Grant) -> str:
    """Return what a privilege is on, for a person."""
    if grant.on == "ACCOUNT":
        return "the account"
    if grant.on.startswith("FUTURE "):
        return f"{grant.on.lower()} in {grant.name}"
    return f"{grant.on.lower()} {grant.name}"


def _fields(grant: Grant) -> dict[str, str]:
    from sf_ml_framework.plan.definitions import created

    return {
        "role": grant.to,
        "privilege": grant.privilege,
        "on": grant.on,
        "name": grant.name,
        "because": grant.why,
        "statement": f"{created(grant)};",
    }


# What differs.


def _compared(
    invocation: Invocation,
    target: str,
    chosen: Target,
    wanted: Sequence[Grant],
    who: Sequence[str],
) -> tuple[dict[str, Sight], tuple[Finding, ...]]:
    """Ask the account what the roles hold, and compare."""
    from sf_ml_framework.cli.account import needed_connection, open_account
    from sf_ml_framework.places.snowflake import holdings
    from sf_ml_framework.plan.audit import audit

    with open_workspace(invocation) as workspace:
        own = needed_connection(workspace.root).get("role")
    # An administrator's connection sees more than the role that deploys.
    with open_account(invocation, target, role=own or chosen.deploy_role) as opened:
        sights = holdings.seen(opened.account, _roles(chosen, who))
        for other in sorted({grant.to for grant in wanted} - set(sights)):
            whole = sights[chosen.deploy_role].whole
            sights[other] = holdings.having(opened.account, chosen.deploy_role, other, whole=whole)
    return sights, audit(wanted, sights, chosen)


def _tell(
    output: Output,
    target: Target,
    sights: dict[str, Sight],
    findings: Sequence[Finding],
    form: Form,
) -> None:
    match form:
        case "json":
            output.json(_document(target, sights, findings))
        case "csv":
            columns = [Column(name) for name in ("state", *_FIELDS)]
            output.table(columns, map(_found, findings), form)
        case "sql":
            for found in findings:
                output.text(f"-- {found.state}: {found.because}")
                output.text(found.statement or f"-- {_words(found)}")
        case _:
            for found in findings:
                _tell_one(output, found)
    if form == "json":
        return
    say = output.text if form == "table" else output.talk
    for sight in sights.values():
        if sight.why:
            say(f"{sight.role}: {sight.why}")
    say(_summary(target, sights, findings))


def _tell_one(output: Output, found: Finding) -> None:
    state = output.styled(f"{found.state:<7}", _STYLE[found.state])
    lines = [found.because if found.state == "excess" else f"because {found.because}"]
    output.text(f"{state}  {_words(found)}")
    for line in [*lines, found.statement]:
        if line:
            output.text(f"{'':9}{line}")


def _words(found: Finding) -> str:
    grant = found.grant
    return f"{grant.to}  {grant.privilege} on {object_of(grant)}"


def _summary(target: Target, sights: dict[str, Sight], findings: Sequence[Finding]) -> str:
    counts = [
        f"{number} {state}"
        for state in ("missing", "excess", "unseen")
        if (number := sum(found.state == state for found in findings))
    ]
    dark = [sight.role for sight in sights.values() if not sight.whole]
    if not counts and not dark:
        return f"target {target.name}: the roles hold exactly what the project asks for"
    if not counts:
        return f"target {target.name}: no difference seen; not all could be: {', '.join(dark)}"
    return f"target {target.name}: {', '.join(counts)}"


def _document(
    target: Target, sights: dict[str, Sight], findings: Sequence[Finding]
) -> dict[str, Any]:
    whole = all(sight.whole for sight in sights.values())
    differs = any(found.state != "unseen" for found in findings)
    return {
        "target": target.name,
        # Neither where nothing was seen to differ and not all could be.
        "same": not differs if whole or differs else None,
        "whole": whole,
        "roles": [
            {"role": sight.role, "whole": sight.whole, "why": sight.why}
            for sight in sights.values()
        ],
        **{
            state: [_found(found) for found in findings if found.state == state]
            for state in ("missing", "excess", "unseen")
        },
    }


def _found(found: Finding) -> dict[str, str]:
    grant = found.grant
    return {
        "state": found.state,
        "role": grant.to,
        "privilege": grant.privilege,
        "on": grant.on,
        "name": grant.name,
        "because": found.because,
        "statement": found.statement,
    }


def _end(sights: dict[str, Sight], findings: Sequence[Finding]) -> None:
    """End as ``--check`` promises.

    Raises:
        OperatorError: no difference was seen, but not all could be.
    """
    from sf_ml_framework.errors import OperatorError

    if any(found.state != "unseen" for found in findings):
        raise click.exceptions.Exit(DIFFERS)
    dark = [sight.role for sight in sights.values() if not sight.whole]
    if dark:
        raise OperatorError(
            f"what {' and '.join(dark)} holds could not all be seen",
            remedy="add --role SECURITYADMIN, or look with --of at the roles that you have",
        )


_STYLE: dict[str, Style] = {"missing": "bad", "excess": "strong", "unseen": "quiet"}
_FIELDS = ("role", "privilege", "on", "name", "because", "statement")
_WANTED = (
    Column("role"),
    Column("privilege", gives_way=True),
    Column("on"),
    Column("because", gives_way=True),
)
