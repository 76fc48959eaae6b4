"""``mlops doctor`` looks for the image that the graph of tasks runs, once there is one."""

from __future__ import annotations

import pytest

from tests.integration.cli.shop import Shop


@pytest.fixture
def shop(tmp_path, connection_flags, database, make_account):
    """A project whose infrastructure stands."""
    values = {**connection_flags, "role": "", "warehouse": ""}
    environ = {f"SNOWFLAKE_{key.upper()}": value for key, value in values.items() if value}
    environ |= {"HOME": str(tmp_path), "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true"}
    made = Shop(tmp_path / "shop")
    made.write(
        "mlops.yml",
        "project: shop.pipeline:PROJECT\ndefault_target: dev\n"
        f"targets: {{dev: {{database: {database}, prefix: {database}}}}}\n",
    )
    made.ok("infra", "apply", "--yes", env=environ)
    yield made, environ
    make_account(role="ACCOUNTADMIN").execute(
        f"alter task if exists {database}.ML.TASK_SHOP suspend"
    )


def image_of(done):
    (found,) = [check for check in done.json["checks"] if check["name"] == "image"]
    return found


def test_the_image_that_was_deployed_is_looked_for_by_its_own_tag(shop, database, emulator):
    project, environ = shop
    emulator.add_image(f"/{database}/ml/mlops_images/mlops_framework:abc".lower(), project=".")
    before = image_of(project.call("doctor", "--format", "json", env=environ))
    project.ok("deploy", "--tag", "abc", "--yes", env=environ)

    after = image_of(project.call("doctor", "--format", "json", env=environ))

    assert (before["state"], after["state"]) == ("failed", "ok")
    assert before["says"] == "mlops_framework:latest is not in the repository"
    assert after["says"] == "mlops_framework:abc, which the graph of tasks runs"


def test_an_image_that_the_graph_runs_and_that_is_gone_is_told(shop, database, make_account):
    project, environ = shop
    admin = make_account(role="ACCOUNTADMIN")
    image = f"/{database}/ml/mlops_images/mlops_framework:gone".lower()
    for name, rest in (
        ("TASK_SHOP", "as select 1"),
        (
            "TASK_JUDGE",
            f"after {database}.ML.TASK_SHOP as execute job service"
            f" in compute pool {database}_COMPUTE_POOL name = {database}.ML.JOB"
            f" from specification $$\nspec:\n  containers:\n  - name: main\n    image: {image}\n$$",
        ),
    ):
        admin.execute(f"create task {database}.ML.{name} {rest}")
    # A role sees no tasks but its own, and those of a graph have one owner.
    admin.execute(
        f"grant ownership on all tasks in schema {database}.ML to role {database}_ROLE"
        " revoke current grants"
    )

    found = image_of(project.call("doctor", "--format", "json", env=environ))

    assert found["state"] == "failed"
    assert found["says"] == (
        "mlops_framework:gone, which the graph of tasks runs, is not in the repository"
    )
