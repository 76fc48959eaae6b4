"""The how-to pages are true: what they show is run against an emulator of their own."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector

from tests.canaries import mark
from tests.integration.docs.pages import check, write_files

DOCS = Path(__file__).parents[3] / "docs"
IMAGE = "/courier_dev/ml/mlops_images/mlops_framework"


class Site:
    """The project of the tutorials in a folder, and an emulator in which it is deployed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exports = {
            "SNOWFLAKE_HOME": ".mlops",
            "SNOWFLAKE_DEFAULT_CONNECTION_NAME": "emulator",
            # The value of a secret: the suite looks for it in all that pages print and write.
            "MAPS_KEY": f"{mark()}-value",
        }
        for tutorial in ("first-pipeline", "laptop-to-account"):
            write_files(DOCS / "tutorials" / f"{tutorial}.md", folder)

    def mlops(self, *words: str) -> None:
        """Call the program in the folder; it must succeed."""
        subprocess.run(
            [sys.executable, "-m", "sf_ml_framework", *words],
            cwd=self.folder, env={**os.environ, **self.exports}, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def execute(self, statements: str) -> None:
        """Run the statements of a page's block; ``<file>`` in it is what that file holds."""
        for file in self.folder.glob("*.pub"):
            statements = statements.replace(f"<{file.name}>", file.read_text().strip())
        entry: dict[str, Any] = tomllib.loads(
            (self.folder / ".mlops" / "connections.toml").read_text(encoding="utf-8")
        )["emulator"]
        with snowflake.connector.connect(**entry) as connection:
            for cursor in connection.execute_string(statements):
                cursor.fetchall()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose infrastructure and graph stand; its emulator ends with the test."""
    found = Site(tmp_path)
    found.mlops("emulator", "start", "--in-memory", "--write-connection")
    try:
        found.mlops("infra", "apply", "--yes")
        for tag in ("v1", "latest"):
            reference = f"{IMAGE}:{tag}"
            found.mlops("emulator", "image", "add", reference, "--project", str(tmp_path))
        found.mlops("deploy", "--tag", "v1", "--yes")
        yield found
    finally:
        found.mlops("emulator", "stop")


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "page",
    [
        "change-a-key",
        "connect-to-an-account",
        "deploy-from-ci",
        "environments",
        "failed-node",
        "guard-a-target",
        "lost-logs",
        "move-a-model-version",
        "pool-at-its-limit",
        "read-cost-warnings",
        "roll-back",
        "secrets-and-external-access",
        "stuck-run",
        "suspended-root",
        "what-a-run-costs",
    ],
)
def test_a_how_to_page_does_what_it_shows(site, page):
    path = DOCS / "how-to" / f"{page}.md"

    check(path, site.folder, exports=site.exports, execute=site.execute)
