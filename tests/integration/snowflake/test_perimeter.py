"""What guards a target: made by `infra apply`, seen by `plan`, held to by the account."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sf_ml_framework.connection import key_files
from sf_ml_framework.places.snowflake.errors import SignInError
from sf_ml_framework.places.snowflake.user_keys import UserKeys
from tests.integration.snowflake.called import Project, environ_of

GUARDED = """\
    network:
      allowed: [{allowed}]
      egress: {{maps: [maps.example.com]}}
    service_user:
      name: {user}
      session_idle_minutes: 30
      rotates_own_keys: true
"""


@pytest.fixture
def project(tmp_path, database, connection_flags, monkeypatch, capsys, make_account) -> Any:
    """A target with everything that guards one; nothing of it is made yet."""
    for key, value in environ_of(connection_flags).items():
        monkeypatch.setenv(key, value)
    found = Project(tmp_path, database, monkeypatch, capsys)
    found.asks('external_access=["maps"]')
    guarded(found, "127.0.0.0/8")
    yield found
    account = make_account(role="ACCOUNTADMIN")
    account.execute(f"drop user if exists {database}_CI")
    account.execute(f"drop network policy if exists {database}_NETWORK")
    account.execute(f"drop integration if exists {database}_MAPS")


def guarded(project: Project, allowed: str) -> None:
    project.declares(GUARDED.format(allowed=allowed, user=f"{project.database}_CI"))


def changes_of(project: Project, role: str = "ACCOUNTADMIN") -> dict[str, str]:
    """Return what a plan would do to what guards the target, by object."""
    text = project.works("plan", "--role", role).err + project.works("plan", "--role", role).out
    found = re.findall(r"^  ([+~?!-]) (.+?)(?:: .*)?$", text, re.MULTILINE)
    kinds = ("network", "session policy", "authentication", "service user", "integration")
    return {name: mark for mark, name in found if name.startswith(kinds)}


def test_all_of_it_is_planned_made_and_then_unchanged_for_whoever_looks(project):
    name = project.database
    before = changes_of(project)
    project.works("infra", "apply", "--yes")
    after = changes_of(project)
    again = project.works("infra", "apply", "--yes")
    as_deployer = project.works("plan", "--role", f"{name}_DEPLOY_ROLE")

    assert before == dict.fromkeys(
        [
            f"network rule {name}.ML.MLOPS_ALLOWED",
            f"network rule {name}.ML.MAPS_HOSTS",
            f"network policy {name}_NETWORK",
            f"integration {name}_MAPS",
            f"session policy {name}.ML.MLOPS_SESSIONS",
            f"authentication policy {name}.ML.MLOPS_SIGN_IN",
            f"service user {name}_CI",
        ],
        "+",
    )
    assert after == {}
    assert "statements were run" in again.out
    told = as_deployer.out + as_deployer.err
    assert told.count("cannot see what guards the target") == 1
    assert "0 to change" in told


def test_what_somebody_changed_is_planned_and_set_back(project, make_account):
    name = project.database
    account = make_account(role="ACCOUNTADMIN")
    project.works("infra", "apply", "--yes")
    account.execute(f"alter network rule {name}.ML.MLOPS_ALLOWED set value_list = ('192.0.2.0/24')")
    account.execute(f"alter user {name}_CI unset session policy")
    changed = changes_of(project)

    project.works("infra", "apply", "--yes")

    assert changed == {
        f"network rule {name}.ML.MLOPS_ALLOWED": "~",
        f"service user {name}_CI": "~",
    }
    assert changes_of(project) == {}


def test_the_service_user_comes_in_by_its_key_and_only_from_where_it_may(
    project, make_account, tmp_path
):
    user = f"{project.database}_CI"
    keys = UserKeys(make_account(role="ACCOUNTADMIN"), user)
    project.works("infra", "apply", "--yes")
    file = tmp_path / "ci.p8"
    keys.register("RSA_PUBLIC_KEY", key_files.make(file, bits=2048, passphrase=""))
    keys.prove(file, "")

    guarded(project, "192.0.2.0/24")
    project.works("infra", "apply", "--part", "admin", "--yes")

    with pytest.raises(SignInError, match="a network policy keeps us out"):
        keys.prove(file, "")


def test_the_user_of_a_target_is_whose_keys_are_changed_and_it_may_do_so_itself(
    project, tmp_path, monkeypatch
):
    project.works("infra", "apply", "--yes")
    file = tmp_path / "outside.p8"
    first = project.works("keys", "rotate", "--key-file", str(file), "--yes")
    monkeypatch.delenv("SNOWFLAKE_PASSWORD")
    monkeypatch.setenv("SNOWFLAKE_USER", f"{project.database}_CI")
    monkeypatch.setenv("SNOWFLAKE_PRIVATE_KEY_FILE", str(file))

    itself = project.works("keys", "rotate", "--yes")

    assert first.out.startswith(f"{project.database}_CI signs in with SHA256:")
    assert itself.out.split()[4] != first.out.split()[4]


def test_a_way_out_that_no_node_asks_for_is_neither_made_nor_granted(project):
    project.asks("tags=['quiet']")

    printed = project.works("infra", "sql").out

    assert "MAPS" not in printed
    assert "EXTERNAL_ACCESS_INTEGRATIONS" not in printed
