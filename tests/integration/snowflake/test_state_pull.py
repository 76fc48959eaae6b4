"""``mlops state pull --out FILE`` writes the file whole, or says why it cannot."""

from __future__ import annotations

import json

import pytest

from tests.integration.cli.shop import Shop


@pytest.fixture
def shop(tmp_path, connection_flags, database):
    """A project whose target has its schema, and an environment that leads there."""
    values = {**connection_flags, "warehouse": ""}
    environ = {f"SNOWFLAKE_{key.upper()}": value for key, value in values.items() if value}
    made = Shop(tmp_path / "shop")
    made.write(
        "mlops.yml",
        "project: shop.pipeline:PROJECT\ndefault_target: dev\n"
        f"targets: {{dev: {{database: {database}, prefix: {database},"
        " warehouse: COMPUTE_WH, role: ACCOUNTADMIN, deploy_role: ACCOUNTADMIN}}\n",
    )
    return made, environ


def test_folders_above_the_file_are_made(shop):
    project, environ = shop

    done = project.ok("state", "pull", "--out", "not/yet/state.json", env=environ)

    file = project.root / "not" / "yet" / "state.json"
    assert done.stderr == "wrote not/yet/state.json\n"
    assert isinstance(json.loads(file.read_text(encoding="utf-8")), dict)


def test_a_file_that_cannot_be_written_is_told(shop):
    project, environ = shop

    done = project.call("state", "pull", "--out", "mlops.yml/state.json", env=environ)

    assert done.returncode == 3
    assert "mlops.yml/state.json cannot be written" in done.stderr
