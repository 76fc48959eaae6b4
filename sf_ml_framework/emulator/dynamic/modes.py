"""Which queries a dynamic table takes, and which of them refresh incrementally.

Source: Snowflake, "Supported queries for dynamic tables", "Dynamic table refresh modes", "Dynamic
table limitations". Snowflake's choice under AUTO also weighs how complex a query is; that is not
published and not done here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from ..faults import SnowflakeError, unsupported

_WHO = {"CURRENT_USER", "CURRENT_ROLE", "CURRENT_SESSION", "CURRENT_AVAILABLE_ROLES"}
_NOW = {"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIMESTAMP", "LOCALTIME"}
_NOW |= {"SYSDATE", "GETDATE", "SYSTIMESTAMP"}
_RANDOM = {"RAND", "RANDOM", "UUID", "UUID_STRING", "RANDSTR", "UNIFORM", "NORMAL", "ZIPF"}
_RANDOM |= {"SEQ1", "SEQ2", "SEQ4", "SEQ8", "ANY_VALUE"}
_NO_SLIDING = {"PERCENT_RANK", "DENSE_RANK", "RANK"}


def names(tree: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    """Yield the functions of a query by their upper-case names."""
    for node in tree.find_all(exp.Func):
        name = str(node.this) if isinstance(node, exp.Anonymous) else node.sql_name()
        yield name.upper(), node


def refuse(tree: exp.Expr, name: str) -> None:
    """Raise for what no dynamic table takes, in either mode."""
    if any(found in _WHO for found, _ in names(tree)):
        raise _not_in(name, "functions that rely on CURRENT_USER")
    if tree.find(exp.Pivot):
        raise _not_in(name, "PIVOT or UNPIVOT")
    if tree.find(exp.TableSample):
        raise _not_in(name, "SAMPLE")
    if any(
        isinstance(c.this, exp.Identifier) and c.name.upper() == "NEXTVAL" and c.table
        for c in tree.find_all(exp.Column)
    ):
        raise _not_in(name, "sequences")


def _not_in(name: str, what: str) -> SnowflakeError:
    return unsupported(f"{what} in the definition of Dynamic Table '{name}'.")


def no_base_table() -> SnowflakeError:
    """Return 002728. Source: dbt-snowflake issue 1205."""
    return SnowflakeError(
        "SQL compilation error:\nDynamic Tables must have at least one base table.",
        number=2728,
        state="23001",
    )


def changes_by_itself(tree: exp.Expr) -> bool:
    """Whether the same inputs may give other rows."""
    return any(name in _NOW | _RANDOM for name, _ in names(tree))


def why_full(tree: exp.Expr) -> str | None:
    """Return why a query cannot refresh incrementally, or None when it can."""
    for rule in _RULES:
        if found := rule(tree):
            return f"Change tracking is not supported on queries with {found}."
    return None


def _set_operators(tree: exp.Expr) -> str | None:
    if tree.find(exp.Except):
        return "EXCEPT or MINUS"
    return "INTERSECT" if tree.find(exp.Intersect) else None


def _subqueries(tree: exp.Expr) -> str | None:
    for query in tree.find_all(exp.Select, exp.SetOperation):
        outer = query.parent
        while isinstance(outer, exp.Subquery | exp.Paren | exp.SetOperation):
            outer = outer.parent
        if not isinstance(outer, exp.From | exp.Join | exp.CTE | exp.Lateral | None):
            return "subqueries outside of the FROM clause"
    return None


def _recursion(tree: exp.Expr) -> str | None:
    found = any(clause.args.get("recursive") for clause in tree.find_all(exp.With))
    return "WITH RECURSIVE" if found else None


def _chance(tree: exp.Expr) -> str | None:
    for name, node in names(tree):
        if name in _RANDOM:
            return f"the non-deterministic function {name}"
        # Filters by the current time are supported since May 2025, its value as a column is not.
        if name in _NOW and node.find_ancestor(exp.Where, exp.Having, exp.Qualify) is None:
            return f"the context function {name} outside of a filter"
    return None


def _groups(tree: exp.Expr) -> str | None:
    found = tree.find(exp.Rollup, exp.Cube, exp.GroupingSets)
    return "GROUPING SETS, CUBE or ROLLUP" if found else None


def _joins(tree: exp.Expr) -> str | None:
    for join in tree.find_all(exp.Join):
        if join.args.get("match_condition") is not None:
            return "ASOF JOIN"
        outer = join.side in {"LEFT", "RIGHT", "FULL"}
        condition = join.args.get("on")
        if outer and condition is not None and not _equalities(condition):
            return "outer joins with non-equality predicates"
    for lateral in tree.find_all(exp.Lateral):
        if not isinstance(lateral.this, exp.Explode | exp.Func):
            return "LATERAL joins"
    return None


def _equalities(condition: exp.Expr) -> bool:
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    return all(isinstance(part.unnest(), exp.EQ | exp.NullSafeEQ) for part in parts)


def _windows(tree: exp.Expr) -> str | None:
    for window in tree.find_all(exp.Window):
        inner = window.this
        name = inner.sql_name().upper() if isinstance(inner, exp.Func) else ""
        if name in _NO_SLIDING and window.args.get("spec"):
            return f"the window function {name} with a sliding frame"
    return None


def _limits(tree: exp.Expr) -> str | None:
    return "LIMIT" if tree.find(exp.Limit, exp.Fetch, exp.Offset) else None


_RULES: tuple[Callable[[exp.Expr], str | None], ...] = (
    _set_operators,
    _subqueries,
    _recursion,
    _chance,
    _groups,
    _joins,
    _windows,
    _limits,
)
