"""What these tests do with the emulator itself: reach it, put images, operate it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.integration.cli.shop import HOUSE

if TYPE_CHECKING:
    from sf_ml_framework.emulator import Emulator


def reached(emulator: Emulator) -> dict[str, str]:
    """Return the variables that lead to it as its administrator, and no role."""
    keys = ("account", "user", "password", "host", "port", "protocol")
    given = {f"SNOWFLAKE_{key.upper()}": str(emulator.connection[key]) for key in keys}
    return given | {"SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true"}


def put_image(
    emulator: Emulator, database: str, tag: str, project: Path, house: Path = HOUSE
) -> None:
    """Put the image of a project's code as it is, as a push would; the framework is of *house*."""
    emulator.add_image(
        f"/{database.lower()}/ml/mlops_images/mlops_framework:{tag}",
        project=project,
        entrypoint=[sys.executable, "-m", "sf_ml_framework.container"],
        env={"PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def operate(emulator: Emulator, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements as its administrator, and return the last one's rows."""
    from snowflake.connector import connect

    found: list[tuple[Any, ...]] = []
    with connect(**emulator.connection) as connection:
        for statement in statements:
            found = connection.cursor().execute(statement).fetchall()
    return found
