"""What the roles of a target hold, against what the project asks for: too little, and too much.

Pure: it compares two lists. What nobody could see is told as such, and is neither.

Source: Snowflake, "Overview of Access Control" (ownership, role hierarchy), "Access control
privileges", "GRANT <privileges>" (future grants), "REVOKE <privileges>", "GRANT OWNERSHIP".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal

import msgspec

from sf_ml_framework.plan import names
from sf_ml_framework.plan.definitions import created
from sf_ml_framework.plan.objects import Grant
from sf_ml_framework.plan.tables import framework_tables
from sf_ml_framework.plan.views import monitoring_views
from sf_ml_framework.targets import Target

State = Literal["missing", "excess", "unseen"]

POWERFUL = {
    "ACCOUNTADMIN": "may do everything in the account",
    "SECURITYADMIN": "may grant anything to anybody",
    "SYSADMIN": "holds whatever is granted to SYSADMIN, the objects of other projects with it",
    "USERADMIN": "may make users and roles",
    "ORGADMIN": "may make and see accounts of the organization",
    "GLOBALORGADMIN": "may make and see accounts of the organization",
}
"""Roles that stand in every account, and what who has one may."""

_RUN_MAKES = frozenset(
    {
        "ALERT",
        "DATASET",
        "DYNAMIC TABLE",
        "FILE FORMAT",
        "MODEL",
        "SERVICE",
        "STAGE",
        "TABLE",
        "TAG",
        "TASK",
        "VIEW",
    }
)
"""Kinds of objects that runs leave in the target's schema."""

_AS_TABLES = ("VIEW", "DYNAMIC TABLE", "EXTERNAL TABLE", "ICEBERG TABLE", "MATERIALIZED VIEW")
"""What a source may be as well as a table."""

_UNWRITABLE = ("FUNCTION", "PROCEDURE")
"""Kinds that SHOW names with their types, as no statement does."""

_ASKED_BY_NOTHING = "nothing in the project asks for it"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One privilege that a role holds, as the account lists it."""

    grant: Grant
    written: str = ""
    """The object as SQL names it; empty for the account."""
    passed_on: bool = False
    """Whether the role may grant it to others."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What could be seen of one role."""

    role: str
    held: tuple[Held, ...] = ()
    whole: bool = True
    """Whether that is all that it holds."""
    why: str = ""
    """Why it is not."""
    there: bool = True
    """Whether the role itself is in the account."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One difference."""

    state: State
    grant: Grant
    because: str
    """The line of configuration that needs it; or why it is too much."""
    statement: str = ""
    """What mends it; empty where nothing can be written, or nothing is known to be wrong."""


def audit(
    wanted: Iterable[Grant], sights: Mapping[str, Sight], target: Target
) -> tuple[Finding, ...]:
    """Return what differs, role by role: first what is missing, then what could not be seen.

    Args:
        wanted: what the project asks for.
        sights: what was seen of each role; a role without one is left out.
        target: says which role is which.
    """
    return tuple(_Audit(wanted, sights, target).findings())


class _Audit:
    """One comparison."""

    def __init__(
        self, wanted: Iterable[Grant], sights: Mapping[str, Sight], target: Target
    ) -> None:
        self._target = target
        self._sights = sights
        self._wanted = [grant for grant in wanted if grant.to in sights]
        self._keys = {(*_what(grant), grant.to) for grant in self._wanted}
        self._holds = {
            role: {_what(held.grant) for held in sight.held} for role, sight in sights.items()
        }

    def findings(self) -> Iterator[Finding]:
        """Yield what differs."""
        lacking = [grant for grant in self._wanted if not self._has(grant, grant.to)]
        for grant in lacking:
            if self._sights[grant.to].whole:
                yield Finding(
                    state="missing", grant=grant, because=grant.why, statement=f"{created(grant)};"
                )
        for grant in lacking:
            if not self._sights[grant.to].whole:
                yield Finding(state="unseen", grant=grant, because=grant.why)
        for role, sight in self._sights.items():
            if role in self._ours:
                for held in sight.held:
                    yield from self._excess(held)

    @cached_property
    def _ours(self) -> set[str]:
        return {self._target.deploy_role, self._target.role, self._target.read_role}

    @cached_property
    def _below(self) -> dict[str, str]:
        """For a role the one that the project lets it have."""
        return {grant.to: grant.name for grant in self._wanted if grant.on == "ROLE"}

    def _has(self, grant: Grant, role: str) -> bool:
        """Say whether *role* holds what *grant* gives: itself, as owner, or by a role of ours."""
        holds = self._holds.get(role, set())
        if _what(grant) in holds or self._owns(grant, role):
            return True
        below = self._below.get(role, "")
        return bool(below) and grant.on != "ROLE" and self._has(grant, below)

    def _owns(self, grant: Grant, role: str) -> bool:
        owned = msgspec.structs.replace(grant, privilege="OWNERSHIP")
        return _what(owned) in self._holds.get(role, set())

    # What is too much.

    def _excess(self, held: Held) -> Iterator[Finding]:
        grant = held.grant
        because = self._too_much(grant)
        if because:
            yield Finding(state="excess", grant=grant, because=because, statement=self._taken(held))
        elif held.passed_on and grant.privilege != "OWNERSHIP":
            yield Finding(
                state="excess",
                grant=msgspec.structs.replace(grant, privilege=f"{grant.privilege} (grantable)"),
                because="it may be passed on to others",
                statement=f"REVOKE GRANT OPTION FOR {_granted(held)} FROM ROLE {grant.to};",
            )

    def _too_much(self, grant: Grant) -> str:
        """Return why a role should not hold *grant*; empty where it should."""
        if grant.privilege == "OWNERSHIP":
            return self._owned_wrongly(grant)
        owns = self._owns(grant, grant.to)
        if (*_what(grant), grant.to) in self._keys or owns or self._foreseen(grant):
            return ""
        below = self._below.get(grant.to, "")
        if below and (*_what(grant), below) in self._keys:
            return f"it has that by role {below}"
        if grant.on == "ROLE" and grant.name in POWERFUL:
            return f"{grant.name} {POWERFUL[grant.name]}"
        return _ASKED_BY_NOTHING

    def _foreseen(self, grant: Grant) -> bool:
        """Say whether a grant on future objects of the target's schema gave *grant*."""
        schema = names.schema(self._target)
        future = (grant.privilege, f"FUTURE {grant.on}S", schema, grant.to)
        return grant.name.startswith(f"{schema}.") and future in self._keys

    def _owned_wrongly(self, grant: Grant) -> str:
        if grant.to == self._target.read_role not in (self._target.role, self._target.deploy_role):
            return "the read role makes nothing, and should own nothing"
        owner = self._owner(grant)
        if owner == grant.to:
            return ""
        if owner in self._ours:
            return f"it is made by role {owner}, which should own it"
        return "nothing in the project makes it"

    def _owner(self, grant: Grant) -> str:
        """Return the role that should own an object."""
        target = self._target
        if grant.on == "COMPUTE POOL":
            ours = {pool.name for pool in target.pools.values()}
            return target.deploy_role if grant.name in ours else "SYSADMIN"
        if (grant.on, grant.name) in self._deployed:
            return target.deploy_role
        inside = grant.name.startswith(f"{names.schema(target)}.")
        return target.role if inside and grant.on in _RUN_MAKES else "SYSADMIN"

    @cached_property
    def _deployed(self) -> set[tuple[str, str]]:
        target = self._target
        return {
            *(
                [("IMAGE REPOSITORY", names.image_repository(target))]
                * names.has_own_images(target)
            ),
            ("STAGE", names.within(target, target.stage)),
            *(
                ("TABLE", table.name)
                for table in framework_tables(names.schema(target), tells=True)
            ),
            *(("VIEW", view.name) for view in monitoring_views(target)),
        }

    def _taken(self, held: Held) -> str:
        """Return the statement that takes away what *held* is."""
        grant = held.grant
        if grant.on in _UNWRITABLE:
            return ""
        if grant.privilege == "OWNERSHIP":
            owner = self._owner(grant)
            if owner == grant.to:
                owner = "SYSADMIN"
            on = f"{grant.on} {held.written}"
            return f"GRANT OWNERSHIP ON {on} TO ROLE {owner} COPY CURRENT GRANTS;"
        return f"REVOKE {_granted(held)} FROM ROLE {grant.to};"


def _what(grant: Grant) -> tuple[str, str, str]:
    """Return what two grants that are the same agree in: a view's name is no table's."""
    on = "TABLE" if grant.on in _AS_TABLES else grant.on
    return grant.privilege, on, grant.name


def _granted(held: Held) -> str:
    """Return what is granted as GRANT and REVOKE spell it."""
    grant = held.grant
    if grant.on.endswith("ROLE") and grant.privilege == "USAGE":
        return f"{grant.on} {held.written}"
    if grant.on == "ACCOUNT":
        return f"{grant.privilege} ON ACCOUNT"
    if grant.on.startswith("FUTURE "):
        place = "SCHEMA" if "." in held.written else "DATABASE"
        return f"{grant.privilege} ON {grant.on} IN {place} {held.written}"
    return f"{grant.privilege} ON {grant.on} {held.written}"
