"""A text is no longer than its column: the engine keeps the length, and does not ask for it.

Source: Snowflake, "String & binary data types" (VARCHAR): a longer text is an error, not cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from ..duck import LENGTHS, WHERE
from ..faults import SnowflakeError
from ..names import Path, always_quoted
from ..router import table_parts, target_of
from .columns import columns_of, place

if TYPE_CHECKING:
    from ..account import Account
    from ..catalog import Catalog
    from ..session import Session

Limits = list[tuple[str, int]]


class Lengths:
    """The columns of each table that have a length, as long as the table is not changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._version = -1
        self._known: dict[tuple[int, Path], Limits] = {}

    def of(self, session: Session, path: Path) -> Limits:
        """Return the columns with a length, and how many characters each takes."""
        if (version := self._catalog.version) != self._version:
            self._version = version
            self.forget()
        key = (session.id if ("TABLE", path) in session.temporary else 0, path)
        if key not in self._known:
            found = columns_of(session, path)
            self._known[key] = [(c["name"], int(c["length"])) for c in found if c["length"]]
        return self._known[key]

    def forget(self) -> None:
        """Ask again, since a table has been changed."""
        self._known.clear()


def install(account: Account) -> None:
    """Register what is asked after each statement that writes rows."""
    lengths = account.parts[Lengths] = Lengths(account.catalog)
    account.registry.written.append(lambda session, tree: after(lengths, session, tree))
    account.observe(lambda session, tree, result: changed(lengths, tree))
    account.rewrite(lambda session, tree: fresh(account, session, tree))


def changed(lengths: Lengths, tree: exp.Expr) -> None:
    """Forget what was known when a table is made, altered or dropped: some are in no catalogue."""
    if isinstance(tree, exp.Create | exp.Alter | exp.Drop):
        lengths.forget()


def fresh(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Forget the lengths that a table of the name has left which is new, or comes in its place."""
    made = isinstance(tree, exp.Create) and str(tree.args.get("kind") or "").upper() == "TABLE"
    target = target_of(tree) if made else None
    if target is None:
        return tree
    path = session.resolve(table_parts(target), "CREATE TABLE")
    if tree.args.get("replace") or account.catalog.find("TABLE", path) is None:
        session.connection.raw(f"delete from {LENGTHS} where {WHERE}", place(session, path))
    return tree


def after(lengths: Lengths, session: Session, tree: exp.Expr) -> Callable[[], None] | None:
    """Return what refuses rows with a text that is too long."""
    target = target_of(tree)
    if target is None or not isinstance(tree, exp.Insert | exp.Update | exp.Merge):
        return None
    path = session.resolve(table_parts(target))
    try:
        limits = lengths.of(session, path)
    except SnowflakeError:
        return None  # no such table: the statement says so itself
    if not limits:
        return None

    def check() -> None:
        table = ".".join(always_quoted(part) for part in place(session, path))
        for column, limit in limits:
            name = always_quoted(column)
            too_long = session.connection.raw(
                f"select {name} from {table} where length({name}) > {limit} limit 1"
            )
            if too_long:
                raise SnowflakeError(
                    f"String '{too_long[0][0]}' is too long and would be truncated",
                    number=100078,
                    state="22000",
                )

    return check
