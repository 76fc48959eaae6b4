"""An environment is made of a target and taken away again; ``test_environments`` works in it."""

from __future__ import annotations

import uuid

import pytest

from tests.integration.cli.shop import Shop


@pytest.fixture
def shop(tmp_path, emulator, connection_flags, make_account):
    """A project whose target dev stands in an account, with nothing deployed yet.

    What begins with its name is dropped afterwards.
    """
    name = f"T_{uuid.uuid4().hex[:10]}".upper()
    given = {**connection_flags, "role": "", "warehouse": ""}
    environ = {f"SNOWFLAKE_{key.upper()}": value for key, value in given.items() if value}
    environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"
    made = Shop(tmp_path / "shop")
    made.write(
        "mlops.yml",
        "project: shop.pipeline:PROJECT\ndefault_target: dev\n"
        f"targets: {{dev: {{database: {name}, prefix: {name}}}}}\nenvironments: {{from: dev}}\n",
    )
    try:
        made.ok("infra", "apply", "--yes", env=environ)
        yield made, name, environ
    finally:
        admin = make_account(role="ACCOUNTADMIN")
        for kind in ("database", "compute pool", "warehouse", "role"):
            for row in admin.rows(f"show {kind}s like '{name}%'"):
                admin.execute(f"drop {kind} {row['name']}")


def test_an_environment_is_made_found_planned_for_and_taken_away(shop, make_account):
    project, name, environ = shop
    made = project.ok("env", "create", "pr-42", "--expires", "3d", "--yes", env=environ)
    listed = project.ok("env", "ls", "--format", "json", env=environ).json
    planned = project.ok("plan", "--target", "pr-42", "--format", "json", env=environ).json
    gone = project.ok("env", "destroy", "pr-42", "--yes", env=environ)
    admin = make_account(role="ACCOUNTADMIN")

    assert "pr-42 stands, cloned from dev, until 2" in made.stdout
    assert [(each["name"], each["database"]) for each in listed] == [("pr-42", f"{name}_PR_42")]
    assert planned["target"] == "pr-42"
    assert planned["role"] == f"{name}_PR_42_DEPLOY_ROLE"
    assert gone.stdout == "pr-42 is gone\n"
    for kind in ("databases", "warehouses", "roles", "compute pools"):
        assert admin.rows(f"show {kind} like '{name}_PR_42%'") == []
    assert len(admin.rows(f"show databases like '{name}'")) == 1
