"""A text is no longer than its column: the engine keeps the length, and does not ask for it.

Source: Snowflake, "String & binary data types" (VARCHAR): a longer text is an error, not cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fakesnow.transforms.transforms import extract_text_length
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
    account.observe(lambda session, tree, result: changed(lengths, session, tree))


def changed(lengths: Lengths, session: Session, tree: exp.Expr) -> None:
    """Follow a table that is made, altered or dropped: some are in no catalogue.

    A new one has the lengths of its own columns alone, none of a table that had its name.
    """
    if not isinstance(tree, exp.Create | exp.Alter | exp.Drop):
        return
    lengths.forget()
    if (path := _made(session, tree)) is None:
        return
    where = place(session, path)
    own = extract_text_length(tree.copy()).args.get("text_lengths") or []
    session.connection.raw(
        f"delete from {LENGTHS} where {WHERE} and not list_contains(?, upper(ext_column_name))",
        [*where, [name.upper() for name, _ in own]],
    )
    if like := tree.find(exp.LikeProperty):
        session.connection.raw(
            f"insert into {LENGTHS} select ?, ?, ?, * exclude "
            "(ext_table_catalog, ext_table_schema, ext_table_name) "
            f"from {LENGTHS} where {WHERE}",
            [*where, *place(session, session.resolve(table_parts(like.this)))],
        )


def _made(session: Session, tree: exp.Expr) -> Path | None:
    """Return the table that a CREATE TABLE is about."""
    made = isinstance(tree, exp.Create) and str(tree.args.get("kind") or "").upper() == "TABLE"
    # A clone has the lengths of what it was made of.
    target = target_of(tree) if made and not tree.args.get("clone") else None
    return session.resolve(table_parts(target), "CREATE TABLE") if target is not None else None


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
