"""An environment as statements: a target's database cloned, and made a target of its own.

A clone is no copy of a target. Of what stands in a database Snowflake's pages say that tables,
views, tags and, when asked, internal stages are cloned, and that tasks and dynamic tables are
cloned suspended; models, image repositories and services are on no list. Grants on the database
are not copied, those on what is in it are, and a text that names the old database still does.

Source: Snowflake, "CREATE <object> … CLONE", "Cloning considerations", "Clone dynamic tables".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from sf_ml_framework.environments import Environment
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.plan import names
from sf_ml_framework.plan.objects import KIND, Desired, Grant, part_of_object
from sf_ml_framework.plan.quoting import literal, name, word
from sf_ml_framework.plan.script import statements_of
from sf_ml_framework.targets import Target

_OWNED = ("TABLES", "VIEWS", "DYNAMIC TABLES", "SEQUENCES", "FILE FORMATS", "TAGS", "MODELS")
"""What the run role owns in a target's schema."""


class Defined(msgspec.Struct, frozen=True, kw_only=True):
    """A view or a dynamic table, and the statement that made it."""

    kind: str
    """``VIEW`` or ``DYNAMIC TABLE``."""
    name: str
    text: str
    owner: str = ""
    """The role that owns it."""


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known of the schema that is cloned."""

    tasks: tuple[str, ...] = ()
    """Those of the project."""
    alerts: tuple[str, ...] = ()
    """The same."""
    tables: tuple[str, ...] = ()
    defined: tuple[Defined, ...] = ()


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """All that says how an environment is made."""

    environment: Environment
    target: Target
    """The environment."""
    parent: Target
    desired: Desired
    """The project in the environment."""
    original: Original
    role: str
    """Who makes it."""
    user: str


def statements(making: Making) -> Iterator[str]:
    """Yield what makes the environment before its data are put right, in order.

    Each may be run again after it failed half-way.
    """
    yield _clone(making)
    if making.environment.shared:
        yield from _reachable(making)
        yield f"USE ROLE {name(making.target.role)}"
    else:
        yield from _around(making)
    yield f"USE WAREHOUSE {name(making.target.warehouse)}"
    yield f"USE SCHEMA {name(names.schema(making.target))}"
    for task in making.original.tasks:
        # They would run in the other target's place; a deployment makes the environment's own.
        yield f"DROP TASK IF EXISTS {name(names.within(making.target, task))}"
    for alert in making.original.alerts:
        yield f"DROP ALERT IF EXISTS {name(names.within(making.target, alert))}"
    yield from _defined_anew(making)


def last_statements(making: Making) -> Iterator[str]:
    """Yield what makes the environment once its models stand, in order."""
    if not making.environment.shared:
        yield f"USE ROLE {name(making.role)}"
        yield from _owned(making)
    yield from statements_of(making.desired, "deploy")


def _clone(making: Making) -> str:
    target, parent = making.target, making.parent
    # The mark comes with the database, so that none is ever there without it.
    return (
        f"CREATE DATABASE IF NOT EXISTS {name(target.database)} CLONE {name(parent.database)}"
        f" INCLUDE INTERNAL STAGES COMMENT = {literal(making.environment.comment)}"
    )


def _reachable(making: Making) -> Iterator[str]:
    """Yield what lets the other target's roles in: what is granted inside came with the clone."""
    target = making.target
    for role in (target.deploy_role, target.role, target.read_role):
        yield f"GRANT USAGE ON DATABASE {name(target.database)} TO ROLE {name(role)}"


def _around(making: Making) -> Iterator[str]:
    """Yield what an administrator makes: roles, warehouse, and who may what."""
    head, *rest = statements_of(making.desired, "admin")
    if making.role == head.rpartition(" ")[2]:
        yield head
    yield from rest
    deploy_role = name(making.target.deploy_role)
    yield f"GRANT ROLE {deploy_role} TO USER {quoted(making.user)}"


def _owned(making: Making) -> Iterator[str]:
    """Yield what gives the clone's objects to the environment's own roles, and to nobody else."""
    target = making.target
    schema = name(names.schema(target))
    for kinds in _OWNED:
        yield (
            f"GRANT OWNERSHIP ON ALL {kinds} IN SCHEMA {schema} TO ROLE {name(target.role)}"
            " REVOKE CURRENT GRANTS"
        )
    deploy_role = name(target.deploy_role)
    stands = {"table": making.original.tables,
              "view": [each.name for each in making.original.defined]}  # fmt: skip
    for thing in making.desired.objects:
        kind = KIND[type(thing).__name__]
        own = part_of_object(thing) == "deploy"
        if own and thing.name.rpartition(".")[2] in stands.get(kind, ()):
            yield (
                f"GRANT OWNERSHIP ON {kind.upper()} {name(thing.name)} TO ROLE {deploy_role}"
                " REVOKE CURRENT GRANTS"
            )
    yield (
        f"GRANT OWNERSHIP ON ALL STAGES IN SCHEMA {schema} TO ROLE {deploy_role}"
        " REVOKE CURRENT GRANTS"
    )
    for grant in making.desired.objects:
        # What is granted on future objects is meant of those that came with the clone too.
        if isinstance(grant, Grant) and grant.on.removeprefix("FUTURE ") in _OWNED:
            what = f"{word(grant.privilege)} ON ALL {word(grant.on.removeprefix('FUTURE '))}"
            yield f"GRANT {what} IN SCHEMA {schema} TO ROLE {name(grant.to)}"


def _defined_anew(making: Making) -> Iterator[str]:
    """Yield views and dynamic tables anew whose text names the other target's database."""
    target, parent = making.target, making.parent
    acting, left = target.role, left_to_others(making)
    for thing in making.original.defined:
        text = repointed(thing.text, parent.database, target.database)
        if text == thing.text or thing in left:
            continue
        if making.environment.shared and thing.owner != acting:
            acting = thing.owner
            yield f"USE ROLE {name(acting)}"
        made = re.sub(
            r"^\s*CREATE\s+(OR\s+REPLACE\s+)?", "CREATE OR REPLACE ", text, flags=re.IGNORECASE
        )
        yield made.rstrip().rstrip(";")
        if thing.kind == "DYNAMIC TABLE":
            full = f"{name(names.schema(target))}.{quoted(thing.name)}"
            yield f"ALTER DYNAMIC TABLE {full} SET WAREHOUSE = {name(target.warehouse)}"
            # As a clone would be: its node refreshes it, and nothing else costs.
            yield f"ALTER DYNAMIC TABLE {full} SUSPEND"
    if acting != target.role:
        yield f"USE ROLE {name(target.role)}"


def left_to_others(making: Making) -> list[Defined]:
    """Return what names the other database still, since no role here may change it."""
    if not making.environment.shared:
        return []
    roles = (making.target.role, making.target.deploy_role)
    return [
        thing
        for thing in making.original.defined
        if thing.owner not in roles
        and repointed(thing.text, making.parent.database, making.target.database) != thing.text
    ]


_PIECE = re.compile(
    r"""'(?:[^'\\]|\\.|'')*' | \$\$.*?\$\$ | --[^\n]* | /\*.*?\*/
    | "(?:[^"]|"")*" | [A-Za-z_][\w$]* | .""",
    re.DOTALL | re.VERBOSE,
)


def repointed(sql: str, old: str, new: str) -> str:
    """Return *sql* with the database *old* replaced by *new* wherever a name begins with it.

    Texts and comments stay as they are.
    """
    pieces = _PIECE.findall(sql)
    words = [number for number, piece in enumerate(pieces) if not piece.isspace()]
    for place, number in enumerate(words):
        piece = pieces[number]
        is_old = piece == f'"{old}"' or (piece.upper() == old and piece[0] not in "'$")
        before = pieces[words[place - 1]] if place else ""
        after = pieces[words[place + 1]] if place + 1 < len(words) else ""
        if is_old and after == "." and before != ".":
            pieces[number] = quoted(new)
    return "".join(pieces)
