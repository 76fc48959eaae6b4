"""What blocks of Snowflake Scripting declare: cursors and exceptions.

Source: Snowflake, "Working with cursors", "Handling exceptions".
"""

from __future__ import annotations

from typing import Any

from ..faults import SnowflakeError
from ..results import ResultSet
from .block import Fault, Raise


class Opened:
    """A cursor: its query, and the rows that are left once it was opened."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.result: ResultSet | None = None
        self._left: list[tuple[Any, ...]] = []

    def open(self, result: ResultSet) -> None:
        """Stand before the first row."""
        self.result = result
        self._left = result.rows[::-1]

    def fetch(self, many: int) -> tuple[Any, ...]:
        """Return the next row's values; past the last row they are NULL.

        Raises:
            SnowflakeError: the cursor is not open, or has another number of columns.
        """
        if self.result is None:
            raise SnowflakeError("Cursor is not open.", number=90232, state="24000")
        if len(self.result.columns) != many:
            raise SnowflakeError(
                f"The cursor has {len(self.result.columns)} columns and INTO {many} variables.",
                number=1003,
                state="42000",
            )
        return self._left.pop() if self._left else (None,) * many

    def close(self) -> None:
        """Forget the rows; the cursor may be opened again."""
        self.result = None
        self._left = []


class RaisedError(SnowflakeError):
    """A declared exception that RAISE has raised."""

    def __init__(self, fault: Fault, at: Raise) -> None:
        super().__init__(fault.message, number=fault.number, state="P0001")
        self.name = fault.name
        self._at = at

    def uncaught(self) -> SnowflakeError:
        """Return what the client gets of it."""
        return SnowflakeError(
            f"Uncaught exception of type '{self.name}' on line {self._at.line} at position "
            f"{self._at.position} : {self.message}",
            number=self.number,
            state=self.state,
        )
