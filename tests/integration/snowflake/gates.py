"""A task that goes on until a test lets it: it waits for a row of a table."""

from __future__ import annotations

from typing import Any


class Gate:
    """A table without a row, and what waits until it has one.

    Args:
        account: who makes the table and opens the gate.
        table: its full name; nothing stands there yet.
    """

    def __init__(self, account: Any, table: str) -> None:
        self._account, self._table = account, table
        account.execute(f"create table {table} (x int)")

    @property
    def body(self) -> str:
        """What a task runs that waits."""
        return (
            "begin\n  let n := 0;\n  while (n < 1) do\n    select count(*) into :n from "
            f"{self._table};\n    call system$wait(1);\n  end while;\n  return n;\nend"
        )

    def open(self) -> None:
        """Let those go on that wait, and let none wait any more."""
        self._account.execute(f"insert into {self._table} select 1")
