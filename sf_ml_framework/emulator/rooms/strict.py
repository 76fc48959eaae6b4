"""Rules by which Snowflake refuses what the engine would take. One function each, with its source.

A room that knows more rules registers them itself, with ``account.rewrite`` or ``account.guard``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from ..access.references import reads_rows
from ..faults import SnowflakeError

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_NO_FRAME = {"MEDIAN", "PERCENTILE_CONT", "PERCENTILE_DISC"}


def install(account: Account) -> None:
    """Register the rules."""
    account.rewrite(no_frame_on_median)
    account.rewrite(a_table_needs_a_warehouse)


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


def a_table_needs_a_warehouse(session: Session, tree: exp.Expr) -> exp.Expr:
    """Reading or changing rows needs an active warehouse; constants do not.

    Source: Snowflake, "Overview of warehouses".
    """
    # A plan needs none. Source: "EXPLAIN".
    if session.warehouse is None and not session.facts.get("explained") and reads_rows(tree):
        session.require_warehouse()
    return tree
