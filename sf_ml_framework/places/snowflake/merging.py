"""One row in the place of what was there under its key: a MERGE, which is whole or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sf_ml_framework.identifiers import quoted


def merge(
    table: str,
    columns: Sequence[str],
    keys: int,
    types: Mapping[str, str] | None = None,
    *,
    once: str = "",
    rows: int = 1,
) -> str:
    """Return the statement, with a ``?`` for each of *columns* in their order, row after row.

    Args:
        table: its qualified and quoted name.
        columns: in either case; the first of them are the key.
        keys: how many of them are the key.
        types: of columns whose value must be cast, as one that may be null.
        once: a column of text that keeps its first value that is not empty.
        rows: how many rows are written at once; no two of them have one key.
    """
    cast = {name: f"CAST(? AS {kind})" for name, kind in (types or {}).items()}
    names = [quoted(name.upper()) for name in columns]
    source = ", ".join(
        f"{cast.get(name, '?')} AS {named}" for name, named in zip(columns, names, strict=True)
    )
    every = " UNION ALL ".join([f"SELECT {source}"] * rows)
    same = " AND ".join(f"kept.{name} = new.{name}" for name in names[:keys])
    first = quoted(once.upper()) if once else ""
    changes = ", ".join(
        f"{name} = IFF(kept.{name} = '', new.{name}, kept.{name})"
        if name == first
        else f"{name} = new.{name}"
        for name in names[keys:]
    )
    return (
        f"MERGE INTO {table} AS kept USING ({every}) AS new ON {same}"
        f" WHEN MATCHED THEN UPDATE SET {changes}"
        f" WHEN NOT MATCHED THEN INSERT ({', '.join(names)})"
        f" VALUES ({', '.join(f'new.{name}' for name in names)})"
    )
