"""What a target says of its nodes holds for every command that asks the account about them."""

from __future__ import annotations

import pytest

from tests.integration.snowflake.called import Project, environ_of

LARGER = """\
    pools: {LARGE: {family: CPU_OF_ANOTHER_YEAR}}
    nodes: {load: {compute_pool_size: LARGE}}
"""


@pytest.fixture
def project(tmp_path, database, connection_flags, monkeypatch, capsys) -> Project:
    for name, value in environ_of(connection_flags).items():
        monkeypatch.setenv(name, value)
    found = Project(tmp_path, database, monkeypatch, capsys)
    found.asks("timeout_minutes=30")
    found.declares(LARGER)
    return found


def test_what_is_billed_is_asked_of_the_pools_that_the_target_uses(project, account):
    (own,) = account.rows("select current_role() as role, current_warehouse() as warehouse")
    options = [f"--{name}={value}" for name, value in own.items()]

    told = project.works("cost", "report", "--since=1d", "--format=json", *options).json

    assert [text for text in told["unknown"] if "CPU_OF_ANOTHER_YEAR" in text]
