"""Names on their way into Snowflake: what it accepts and how to quote."""

from __future__ import annotations

import re

MAX_LENGTH = 255
"""Characters in an identifier. Source: Identifier requirements."""

_UNQUOTED = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_NODE = re.compile(r"[a-z][a-z0-9_]*")
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*")
_VERSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}")

LONGEST_NODE_NAME = 58
"""A node's name becomes ``job-<name>``, a DNS label of at most 63 characters."""

RESERVED = frozenset(
    """
    all alter and any as between by case cast check column connect constraint create cross current
    current_date current_time current_timestamp current_user database delete distinct drop else
    exists false following for from full grant group gscluster having ilike in increment inner
    insert intersect into is issue join lateral left like localtime localtimestamp minus natural
    not null of on or order organization qualify regexp revoke right rlike row rows sample schema
    select set some start table tablesample then to trigger true try_cast union unique update
    using values view when whenever where with
    """.split()
)
"""Words that cannot be unquoted names. Source: Reserved & limited keywords."""


def why_not_identifier(name: str) -> str:
    """Return why *name* cannot be an unquoted Snowflake identifier; empty when it can."""
    if not name:
        return "it is empty"
    if len(name) > MAX_LENGTH:
        return f"it has {len(name)} characters, and Snowflake takes {MAX_LENGTH}"
    if not _UNQUOTED.fullmatch(name):
        return "Snowflake takes letters, digits and _ in a name, and no digit first"
    if name.lower() in RESERVED:
        return "it is a reserved word of Snowflake's SQL"
    return ""


def why_not_node(name: str) -> str:
    """Return why *name* cannot name a node (and so a task and a job); empty when it can."""
    if not _NODE.fullmatch(name or ""):
        return "a node's name is lower-case letters, digits and _, and begins with a letter"
    if len(name) > LONGEST_NODE_NAME:
        return f"it has {len(name)} characters, and a job's name has room for {LONGEST_NODE_NAME}"
    return why_not_identifier(name)


def why_not_column(name: str) -> str:
    """Return why *name* cannot name a column in a catalog; empty when it can."""
    if not _COLUMN.fullmatch(name or ""):
        return "a column is lower-case letters, digits and _ here, and upper-case in the account"
    return why_not_identifier(name)


def why_not_version(version: str) -> str:
    """Return why *version* cannot be a feature view's version; empty when it can.

    Source: read in ``snowflake.ml.feature_store.feature_view`` 2.6.0.
    """
    if _VERSION.fullmatch(version or ""):
        return ""
    return "a version begins with a letter or digit and goes on with letters, digits, _, - and ."


def quoted(name: str) -> str:
    """Return *name* as a quoted identifier, exactly as it is written."""
    if not name or "\0" in name:
        raise ValueError(f"{name!r} cannot be an identifier")
    return '"' + name.replace('"', '""') + '"'
