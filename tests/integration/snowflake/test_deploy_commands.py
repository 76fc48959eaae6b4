"""``mlops deploy`` and what goes with it, called as a person calls them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sf_ml_framework.deploy.records import Holder
from sf_ml_framework.places.snowflake.deployments import SnowflakeHistory
from tests.integration.cli.shop import Done, Shop

VERDICT = 'outputs="verdict",'


class Deployable(Shop):
    """A project with a target of its own in an account, in which all but the graph stands."""

    def __init__(self, root: Path, name: str, environ: dict[str, str]) -> None:
        super().__init__(root)
        self.name = name
        self.environ = environ
        self.write(
            "mlops.yml",
            f"""project: shop.pipeline:PROJECT
targets:
  dev:
    database: {name}
    prefix: {name}
    tasks: {{schedule: 60 MINUTES, state: started}}
  other:
    extends: dev
    schema: OTHER
""",
        )

    def mlops(self, *words: str) -> Done:
        """Call the program, connected."""
        return self.call(*words, env=self.environ)

    def works(self, *words: str) -> Done:
        """Call the program, connected; it must succeed."""
        done = self.mlops(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def list(self) -> list[dict[str, Any]]:
        """Return the deployments, newest first."""
        found: list[dict[str, Any]] = self.works(
            "deployments", "--target", "dev", "--format", "json"
        ).json
        return found


@pytest.fixture
def shop(tmp_path, connection_flags, database, emulator, make_account) -> Any:
    """A project whose infrastructure stands and whose image is there."""
    values = {**connection_flags, "role": ""}
    environ = {f"SNOWFLAKE_{key.upper()}": value for key, value in values.items() if value}
    environ |= {"HOME": str(tmp_path), "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true"}
    environ.pop("SNOWFLAKE_WAREHOUSE", None)
    found = Deployable(tmp_path / "shop", database, environ)
    found.works("infra", "apply", "--target", "dev", "--yes")
    emulator.add_image(f"/{database}/ml/mlops_images/mlops_framework:latest".lower(), project=".")
    yield found
    account = make_account(role="ACCOUNTADMIN")
    account.execute(f"alter task if exists {database}.ML.TASK_SHOP suspend")


def test_a_first_deployment_makes_the_graph_and_a_second_one_changes_nothing(shop, make_account):
    first = shop.works("deploy", "--target", "dev", "--yes")
    second = shop.works("deploy", "--target", "dev", "--yes")

    assert "[ 1/12]" in first.stderr
    assert first.stdout.startswith("deployed ")
    assert second.stdout == "nothing differs: nothing was changed\n"
    rows = make_account().rows(f"show tasks in schema {shop.name}.ML")
    assert {row["name"]: row["state"] for row in rows} == dict.fromkeys(
        ["TASK_SHOP", "TASK_MAKE_ORDERS", "TASK_CLEAN_ORDERS", "TASK_COUNT_ORDERS", "TASK_JUDGE",
         "TASK_SHOP_FINALIZE"],
        "started",
    )  # fmt: skip
    assert {row["owner"] for row in rows} == {f"{shop.name}_ROLE"}
    (only,) = shop.list()
    assert (only["status"], only["kind"], only["role_name"]) == (
        "succeeded", "deploy", f"{shop.name}_DEPLOY_ROLE",
    )  # fmt: skip


def test_without_yes_and_without_a_person_nothing_is_deployed(shop):
    done = shop.mlops("deploy", "--target", "dev")

    assert done.returncode == 3
    assert "nobody is here to be asked" in done.stderr
    assert "TASK_JUDGE" in done.stderr
    assert shop.list() == []


def test_a_plan_in_a_file_is_carried_out_as_it_is_or_refused(shop):
    shop.works("plan", "--target", "dev", "--out", "first.json")
    shop.change("shop/pipeline.py", "7.5", "8.5")
    shop.works("deploy", "--target", "dev", "--plan", "first.json", "--yes")
    again = shop.mlops("deploy", "--target", "dev", "--plan", "first.json", "--yes")
    elsewhere = shop.mlops("deploy", "--target", "other", "--plan", "first.json", "--yes")

    assert again.returncode == 3
    assert "the account has moved on since this plan was made" in again.stderr
    assert "task" in again.stderr
    assert elsewhere.returncode == 3
    assert "--target dev" in elsewhere.stderr
    assert len(shop.list()) == 1


def test_a_target_that_asks_for_an_approval_takes_no_bare_yes(shop):
    shop.change("mlops.yml", "    prefix:", "    approval: required\n    prefix:")
    bare = shop.mlops("deploy", "--target", "dev", "--yes")
    other = shop.mlops("deploy", "--target", "dev", "--approve", "other")
    shop.works("deploy", "--target", "dev", "--approve", "dev")
    shop.change("mlops.yml", "60 MINUTES", "30 MINUTES")
    shop.works("plan", "--target", "dev", "--out", "plan.json")
    shop.works("deploy", "--target", "dev", "--plan", "plan.json", "--yes")
    gone = shop.mlops("destroy", "--target", "dev", "--yes")

    assert bare.returncode == 3
    assert "--yes is none" in bare.stderr
    assert "--approve dev" in bare.stderr
    assert other.returncode == 2
    assert gone.returncode == 3
    assert [each["note"] for each in shop.list()] == [
        "approved by the plan plan.json", "approved by --approve dev",
    ]  # fmt: skip


def test_a_target_is_changed_from_its_own_branch_alone(shop):
    shop.change("mlops.yml", "    prefix:", "    branch: main\n    prefix:")
    shop.environ["MLOPS_BRANCH"] = "feature"
    planned = shop.works("plan", "--target", "dev")
    refused = shop.mlops("deploy", "--target", "dev", "--yes")
    shop.works("deploy", "--target", "dev", "--yes", "--any-branch")

    assert "warning: target dev is deployed from main" in planned.stderr
    assert refused.returncode == 3
    assert "this is the branch feature" in refused.stderr
    assert "--any-branch" in refused.stderr
    assert len(shop.list()) == 1


def test_rollback_brings_back_what_was_deployed_before(shop, make_account):
    shop.works("deploy", "--target", "dev", "--yes")
    before = _bodies(make_account(), shop.name)
    shop.change(
        "shop/pipeline.py", 'outputs="verdict",', 'outputs="verdict", memory_request="3Gi",'
    )
    shop.works("deploy", "--target", "dev", "--yes")
    assert _bodies(make_account(), shop.name) != before

    done = shop.works("rollback", "--target", "dev", "--yes")
    undone = shop.works("rollback", "--target", "dev", "--yes", shop.list()[0]["deployment"])

    assert _bodies(make_account(), shop.name) == before
    newest, middle, oldest = shop.list()
    assert done.stdout.startswith(f"rolled back to {oldest['deployment']}")
    assert newest["kind"] == "rollback"
    assert newest["note"] == f"to {oldest['deployment']}"
    assert middle["kind"] == "deploy"
    assert "nothing was changed" in undone.stdout


def test_a_rollback_says_that_the_tag_stands_for_another_image_now(shop, emulator):
    """Definitions go back; what a tag stands for does not."""
    shop.works("deploy", "--target", "dev", "--yes")
    (first,) = shop.list()
    image, _, digest = first["image"].partition("@")
    shop.change("shop/pipeline.py", VERDICT, f'{VERDICT} memory_request="3Gi",')
    shop.works("deploy", "--target", "dev", "--yes")
    unmoved = shop.works("rollback", "--target", "dev", "--yes")
    emulator.add_image(image, project=".", entrypoint=["python", "other.py"])

    done = shop.works("rollback", "--target", "dev", "--yes", first["deployment"])

    assert digest.startswith("sha256:")
    assert "was sha256" not in unmoved.stderr
    assert f"{image} was {digest} then and is sha256:" in done.stderr


def test_an_unknown_deployment_is_answered_with_the_nearest(shop):
    shop.works("deploy", "--target", "dev", "--yes")
    (only,) = shop.list()

    done = shop.mlops("rollback", f"{only['deployment'][:-1]}z", "--target", "dev", "--yes")

    assert done.returncode == 2
    assert only["deployment"] in done.stderr


def test_a_state_in_a_file_needs_no_account(shop):
    shop.works("deploy", "--target", "dev", "--yes")
    shop.works("state", "pull", "--target", "dev", "--out", "state.json")

    offline = shop.call(
        "plan", "--target", "dev", "--state", "state.json", "--detailed-exitcode",
        env={"HOME": shop.environ["HOME"]},
    )  # fmt: skip
    shop.change(
        "shop/pipeline.py", 'outputs="verdict",', 'outputs="verdict", memory_request="3Gi",'
    )
    changed = shop.call(
        "plan", "--target", "dev", "--state", "state.json", "--format", "json",
        env={"HOME": shop.environ["HOME"]},
    ).json  # fmt: skip

    assert offline.returncode == 0, offline.stderr
    assert [c["object"] for c in changed["changes"] if c["change"] == "change"] == [
        f"task {shop.name}.ML.TASK_JUDGE"
    ]
    printed = json.loads(shop.works("state", "pull", "--target", "dev").stdout)
    assert printed["role"] == f"{shop.name}_DEPLOY_ROLE"


def test_destroy_takes_the_graph_away_and_deploy_brings_it_back(shop, make_account):
    shop.works("deploy", "--target", "dev", "--yes")

    refused = shop.mlops("destroy", "--target", "dev")
    gone = shop.works("destroy", "--target", "dev", "--yes")
    again = shop.works("destroy", "--target", "dev", "--yes")

    account = make_account()
    assert refused.returncode == 3
    assert "removed" in gone.stdout
    assert "nothing of shop stands" in again.stdout
    assert account.rows(f"show tasks in schema {shop.name}.ML") == []
    assert account.rows(f"show compute pools like '{shop.name}%'") == []
    assert account.rows(f"show stages in schema {shop.name}.ML") != []
    shop.works("deploy", "--target", "dev", "--yes")
    assert len(account.rows(f"show tasks in schema {shop.name}.ML")) == 6
    assert [row["kind"] for row in shop.list()] == ["deploy", "destroy", "deploy"]


def test_the_lock_of_a_dead_process_of_this_machine_is_not_waited_for(shop, make_account):
    history = SnowflakeHistory(make_account(), shop.name, "ML")
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    machine = os.uname().nodename
    history.take(
        Holder(deployment="dead", user_name="X", client=f"{machine}:{dead.stdout.strip()}"), 600
    )

    assert shop.works("deploy", "--target", "dev", "--yes").stdout.startswith("deployed ")


def test_a_lock_is_told_and_given_back_by_hand(shop, make_account):
    history = SnowflakeHistory(make_account(), shop.name, "ML")
    history.take(Holder(deployment="20260101-other", user_name="BOB", client="server:1"), 600)

    locked = shop.mlops("deploy", "--target", "dev", "--yes")
    wrong = shop.mlops("state", "unlock", "20260101-wrong", "--target", "dev")
    shop.works("state", "unlock", "20260101-other", "--target", "dev")

    assert locked.returncode == 3
    assert "BOB" in locked.stderr
    assert "mlops state unlock 20260101-other" in locked.stderr
    assert wrong.returncode == 3
    assert "held by deployment 20260101-other" in wrong.stderr
    shop.works("deploy", "--target", "dev", "--yes")


def test_a_missing_image_is_named_with_what_to_do(shop):
    done = shop.mlops("deploy", "--target", "dev", "--tag", "nowhere", "--yes")

    assert done.returncode == 3
    assert "mlops_framework:nowhere" in done.stderr
    assert "mlops image push" in done.stderr


def test_what_only_an_administrator_may_do_names_the_command(shop):
    done = shop.mlops("deploy", "--target", "other", "--yes")

    assert done.returncode == 3
    assert "mlops infra apply --part admin --target other" in done.stderr


def _bodies(account: Any, database: str) -> dict[str, str]:
    rows = account.rows(f"show tasks in schema {database}.ML")
    return {row["name"]: row["definition"] for row in rows}
