"""A function or procedure as it was defined, and where definitions are kept.

Temporary ones are kept with their session, others in the catalogue under their name and argument
types, such as ``F(NUMBER, VARCHAR)``: overloads are objects of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, already_exists, not_found
from ..names import Path
from .kinds import plain

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_FACT = "routines"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; *default* is SQL text, or None when it must be given."""

    name: str
    kind: str
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """A definition. ``columns`` is None unless it returns a table; empty is ``TABLE ()``."""

    kind: str
    path: Path
    arguments: tuple[Argument, ...]
    returns: str
    columns: tuple[Argument, ...] | None
    language: str
    body: str | None
    handler: str = ""
    imports: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    runtime: str = ""
    aggregate: bool = False
    strict: bool = False
    immutable: bool = False
    secure: bool = False
    execute_as: str = "OWNER"
    owner: str = ""
    comment: str = ""
    identity: str = ""
    temporary: bool = False
    created: str = ""
    integrations: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def types(self) -> tuple[str, ...]:
        """The argument types that tell it from its overloads."""
        return tuple(plain(argument.kind) for argument in self.arguments)

    @property
    def stored(self) -> Path:
        """The path under which the catalogue has it."""
        return stored_path(self.path, self.types)

    @property
    def required(self) -> int:
        """How many arguments must be given."""
        return sum(argument.default is None for argument in self.arguments)

    @property
    def written_returns(self) -> str:
        """What it returns, as DESCRIBE shows it."""
        if self.columns is None:
            return self.returns
        return f"TABLE ({', '.join(f'{c.name} {plain(c.kind)}' for c in self.columns)})"

    @property
    def signature(self) -> str:
        """``(X NUMBER, Y VARCHAR)``."""
        return f"({', '.join(f'{a.name} {plain(a.kind)}' for a in self.arguments)})"


def stored_path(path: Path, types: Sequence[str]) -> Path:
    """Return the catalogue's path of a name with these argument types."""
    return Path(path.database, path.schema, f"{path.name}({', '.join(types)})")


class Routines:
    """Finds and keeps definitions; ``account.part(Routines)``."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._version = -1
        self._known: dict[tuple[str, Path], list[Routine]] = {}

    def create(self, session: Session, routine: Routine, *, replaces: bool, absent: bool) -> bool:
        """Keep a definition; False when it stood already and *absent* allows that.

        Raises:
            SnowflakeError: 002002 it stands already.
        """
        if routine.temporary:
            own = session.facts.setdefault(_FACT, {})
            if (routine.kind, routine.stored) in own and not replaces:
                if absent:
                    return False
                raise already_exists(str(routine.path))
            own[routine.kind, routine.stored] = routine
            return True
        return self._account.catalog.create(
            self._entry(routine), replace=replaces, if_absent=absent
        )

    def _entry(self, routine: Routine) -> Entry:
        found = asdict(routine)
        for key in ("kind", "path", "owner", "comment"):
            found.pop(key)
        return Entry(
            kind=routine.kind,
            path=routine.stored,
            owner=routine.owner,
            created_on=self._account.clock.now(),
            comment=routine.comment,
            properties={**found, "name": routine.path.name},
        )

    def overloads(self, session: Session, kind: str, path: Path) -> list[Routine]:
        """Return what has a name: the session's temporary ones hide others of the same types."""
        own = [
            one
            for (of, _), one in session.facts.get(_FACT, {}).items()
            if of == kind and one.path == path
        ]
        hidden = {one.types for one in own}
        kept = self._kept().get((kind, path), [])
        return own + [one for one in kept if one.types not in hidden]

    def _kept(self) -> dict[tuple[str, Path], list[Routine]]:
        version = self._account.catalog.version
        if version != self._version:
            known: dict[tuple[str, Path], list[Routine]] = {}
            for kind in ("FUNCTION", "PROCEDURE"):
                for entry in self._account.catalog.all(kind):
                    one = routine_of(entry)
                    known.setdefault((kind, one.path), []).append(one)
            self._known, self._version = known, version
        return self._known

    def named(self, session: Session, kind: str, parts: tuple[str, ...]) -> list[Routine]:
        """Return what a written name may mean: a bare one is looked for in PUBLIC too.

        Source: Snowflake, "Object name resolution" (SEARCH_PATH).
        """
        places = [parts]
        if len(parts) == 1 and session.schema != "PUBLIC":
            places.append(("PUBLIC", *parts))
        for place in places:
            try:
                path = session.resolve(place)
            except SnowflakeError:
                continue
            if found := self.overloads(session, kind, path):
                return found
        return []

    def all(self, session: Session, kind: str) -> list[Routine]:
        """Return every definition of a kind that the session might list."""
        own = [one for (of, _), one in session.facts.get(_FACT, {}).items() if of == kind]
        kept = [one for (of, _), many in self._kept().items() if of == kind for one in many]
        return own + kept

    def get(self, session: Session, kind: str, path: Path, types: Sequence[str]) -> Routine:
        """Return the overload with exactly these types.

        Raises:
            SnowflakeError: 002003 there is none.
        """
        for one in self.overloads(session, kind, path):
            if one.types == tuple(types):
                return one
        raise not_found(kind, f"{path}({', '.join(types)})")

    def drop(self, session: Session, routine: Routine) -> None:
        """Forget a definition."""
        if routine.temporary:
            session.facts[_FACT].pop((routine.kind, routine.stored), None)
        else:
            self._account.catalog.drop(routine.kind, routine.stored)

    def change(self, session: Session, routine: Routine, **changes: Any) -> None:
        """Store a changed definition."""
        changed = replace(routine, **changes)
        if routine.temporary:
            session.facts[_FACT][routine.kind, routine.stored] = changed
        else:
            self._account.catalog.update(self._entry(changed))


def routine_of(entry: Entry) -> Routine:
    """Return the definition that an entry of the catalogue keeps."""
    found: dict[str, Any] = dict(entry.properties)
    name = str(found.pop("name"))
    columns = found.pop("columns")
    arguments = tuple(Argument(**one) for one in found.pop("arguments"))
    rest: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}
    return Routine(
        kind=entry.kind,
        path=Path(entry.path.database, entry.path.schema, name),
        owner=entry.owner,
        comment=entry.comment,
        arguments=arguments,
        columns=None if columns is None else tuple(Argument(**one) for one in columns),
        **rest,
    )
