"""Rules by which Snowflake refuses what the engine would take. One function each, with its source.

A room that knows more rules registers them itself, with ``account.rewrite`` or ``account.guard``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from ..access.references import reads_rows
from ..faults import SnowflakeError, invalid, unsupported

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_PROPERTIES = {
    "TABLE": {
        "DATA_RETENTION_TIME_IN_DAYS",
        "MAX_DATA_EXTENSION_TIME_IN_DAYS",
        "CHANGE_TRACKING",
        "ENABLE_SCHEMA_EVOLUTION",
    },
    "VIEW": {"CHANGE_TRACKING"},
}
_KINDS = (
    exp.TemporaryProperty,
    exp.TransientProperty,
    exp.SchemaCommentProperty,
    exp.ClusterProperty,
    exp.Cluster,
    exp.Tags,
    exp.CopyGrantsProperty,
    exp.LikeProperty,
    exp.SecureProperty,
    exp.SequenceProperties,
)
_NO_FRAME = {"MEDIAN", "PERCENTILE_CONT", "PERCENTILE_DISC"}


def install(account: Account) -> None:
    """Register the rules."""
    account.rewrite(no_frame_on_median)
    account.rewrite(a_table_needs_a_warehouse)
    account.registry.rewrites.insert(0, of_a_table)


def no_frame_on_median(session: Session, tree: exp.Expr) -> exp.Expr:
    """MEDIAN and PERCENTILE_CONT as window functions take neither ORDER BY nor a frame.

    Source: Snowflake, "MEDIAN", "PERCENTILE_CONT".
    """
    for window in tree.find_all(exp.Window):
        inner = window.this.this if isinstance(window.this, exp.WithinGroup) else window.this
        name = inner.sql_name().upper() if isinstance(inner, exp.Func) else ""
        if name in _NO_FRAME and (window.args.get("order") or window.args.get("spec")):
            raise SnowflakeError(
                f"SQL compilation error: error line 1 at position 0\nInvalid function type "
                f"[{name}] for window function with ORDER BY or a window frame.",
                number=2303,
                state="42601",
            )
    return tree


def of_a_table(session: Session, tree: exp.Expr) -> exp.Expr:
    """CREATE TABLE, VIEW and SEQUENCE take the properties that they have, and no others.

    Source: Snowflake, "CREATE TABLE", "CREATE VIEW", "CREATE SEQUENCE".
    """
    if not isinstance(tree, exp.Create):
        return tree
    kind = str(tree.args.get("kind") or "").upper()
    given = tree.args.get("properties")
    for one in given.expressions if given else ():
        if type(one) is exp.Property:
            name = one.name.upper()
            if name not in _PROPERTIES.get(kind, ()):
                raise invalid(f"invalid property '{name}' for '{kind}'")
        elif not isinstance(one, _KINDS):
            raise unsupported(f"{one.sql(dialect='snowflake')} of a {kind} is not known here.")
    for constraint in tree.find_all(exp.ColumnConstraint):
        if "Policy" in type(constraint.kind).__name__:
            raise unsupported("a policy of a column is not known to this emulator.")
    return tree


def a_table_needs_a_warehouse(session: Session, tree: exp.Expr) -> exp.Expr:
    """Reading or changing rows needs an active warehouse; constants do not.

    Source: Snowflake, "Overview of warehouses".
    """
    # A plan needs none. Source: "EXPLAIN".
    if session.warehouse is None and not session.facts.get("explained") and reads_rows(tree):
        session.require_warehouse()
    return tree
