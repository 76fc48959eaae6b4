"""What Snowflake answers when it refuses: a number, an SQL state and a message.

Source: the numbers are those that the clients' code and the documentation's samples show.
"""

from __future__ import annotations

INTERNAL = 603
"""The number of a fault of ours."""


class SnowflakeError(Exception):
    """A statement or request was refused, as Snowflake would; nothing has been changed."""

    def __init__(self, message: str, *, number: int, state: str) -> None:
        self.message = message
        self.number = number
        self.state = state
        super().__init__(f"{number:06d} ({state}): {message}")


def syntax_error(detail: str) -> SnowflakeError:
    """Return 001003, the statement cannot be parsed."""
    return SnowflakeError(f"SQL compilation error:\n{detail}", number=1003, state="42000")


def unexpected(text: str, position: int = 0) -> SnowflakeError:
    """Return the syntax error that names an unexpected token."""
    return syntax_error(f"syntax error line 1 at position {position} unexpected '{text}'.")


def invalid(message: str) -> SnowflakeError:
    """Return 001008, a value or option that the statement does not take."""
    return SnowflakeError(f"SQL compilation error:\n{message}", number=1008, state="22023")


def invalid_identifier(name: str) -> SnowflakeError:
    """Return 000904 for a column that is not there."""
    return SnowflakeError(
        f"SQL compilation error: error line 1 at position 0\ninvalid identifier '{name}'",
        number=904,
        state="42000",
    )


def not_found(kind: str, name: str) -> SnowflakeError:
    """Return 002003 for a named object that is not there, or not for this role."""
    table = kind.upper() in {"TABLE", "VIEW", "OBJECT", "DYNAMIC TABLE"}
    label = "Object" if table else kind.capitalize()
    return SnowflakeError(
        f"SQL compilation error:\n{label} '{name}' does not exist or not authorized.",
        number=2003,
        state="42S02" if table else "02000",
    )


def cannot_perform() -> SnowflakeError:
    """Return 002043, what USE and SHOW .. IN answer for an unknown name."""
    return SnowflakeError(
        "SQL compilation error:\nObject does not exist, or operation cannot be performed.",
        number=2043,
        state="02000",
    )


def already_exists(name: str) -> SnowflakeError:
    """Return 002002, the name is taken."""
    return SnowflakeError(
        f"SQL compilation error:\nObject '{name}' already exists.", number=2002, state="42710"
    )


def not_authorized(detail: str) -> SnowflakeError:
    """Return 003001, the role lacks a privilege."""
    return SnowflakeError(
        f"SQL access control error:\nInsufficient privileges to operate on {detail}",
        number=3001,
        state="42501",
    )


def unsupported(what: str) -> SnowflakeError:
    """Return 000002 for what this emulator does not know; it is recorded by the router."""
    return SnowflakeError(f"Unsupported feature: {what}", number=2, state="0A000")


def no_database(command: str) -> SnowflakeError:
    """Return 090105, no current database."""
    return SnowflakeError(
        f"Cannot perform {command}. This session does not have a current database. "
        "Call 'USE DATABASE', or use a qualified name.",
        number=90105,
        state="22000",
    )


def no_schema(command: str) -> SnowflakeError:
    """Return 090106, no current schema."""
    return SnowflakeError(
        f"Cannot perform {command}. This session does not have a current schema. "
        "Call 'USE SCHEMA', or use a qualified name.",
        number=90106,
        state="22000",
    )


def no_warehouse() -> SnowflakeError:
    """Return 000606, the statement needs a warehouse and the session has none."""
    return SnowflakeError(
        "No active warehouse selected in the current session.  "
        "Select an active warehouse with the 'use warehouse' command.",
        number=606,
        state="57P03",
    )


def cancelled() -> SnowflakeError:
    """Return 000604, the statement was cancelled."""
    return SnowflakeError("SQL execution canceled", number=604, state="57014")


def timed_out(seconds: float) -> SnowflakeError:
    """Return 000630, the statement took longer than STATEMENT_TIMEOUT_IN_SECONDS allows."""
    return SnowflakeError(
        f"Statement reached its statement or warehouse timeout of {seconds} second(s) and was "
        "canceled.",
        number=630,
        state="57014",
    )


def internal(identifier: str) -> SnowflakeError:
    """Return 000603, a fault of ours; *identifier* finds it in the record."""
    return SnowflakeError(
        f"SQL execution internal error:\nProcessing aborted by error 300002:{identifier}; "
        "incident recorded.",
        number=INTERNAL,
        state="XX000",
    )
