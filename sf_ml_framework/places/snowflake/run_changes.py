"""What runs of a project changed of its declarations, from the account's table of runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.plan.names import RUNS, of_graph

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account


def succeeded(
    account: Account, database: str, schema: str, project: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each run of the graph that succeeded with its changes, newest first; one statement.

    Only what was changed is fetched, and not the records, which are long.
    """
    rows = account.rows(
        "SELECT run_id, TO_JSON(PARSE_JSON(record):overrides) AS changes"
        f" FROM {quoted(database)}.{quoted(schema)}.{quoted(RUNS)}"
        f" WHERE project = ? AND status = 'succeeded' AND {of_graph('run_id')}"
        " ORDER BY started DESC",
        (project,),
    )
    for row in rows:
        found = json.loads(row["changes"] or "null")
        if isinstance(found, dict) and found:
            yield str(row["run_id"]), found
