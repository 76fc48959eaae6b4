"""A name that no environment can have reaches no file and no account."""

from __future__ import annotations

import pytest

from tests.integration.cli.shop import Shop


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path / "shop")
    made.write(
        "mlops.yml",
        "project: shop.pipeline:PROJECT\ndefault_target: dev\n"
        "targets: {dev: {database: NOWHERE, prefix: NOWHERE}}\nenvironments: {from: dev}\n",
    )
    made.write("package.json", "{}\n")
    (made.root / ".mlops" / "environments").mkdir(parents=True)
    return made


def test_what_cannot_be_an_environment_is_not_taken_away(shop, connection_flags):
    environ = {f"SNOWFLAKE_{key.upper()}": value for key, value in connection_flags.items()}

    done = shop.call("env", "destroy", "../../package", "--yes", env=environ)

    assert (shop.root / "package.json").read_text() == "{}\n"
    assert done.returncode == 2
    assert "'../../package' is no environment's name" in done.stderr
