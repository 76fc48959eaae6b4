"""The targets that the workflows call, called as ``deploy.yml`` and its fellows do.

A job of CI is a copy of the project, signed in with a key as its service user. The programs of
others that it needs, docker, snow and gh, stand in here; ``make image-test`` takes the same targets
with buildah.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sf_ml_framework.emulator import Emulator
from tests.integration.cli.image_programs import PROGRAM, SNOW
from tests.integration.cli.shop import HOUSE
from tests.integration.snowflake import emulated

PARTS = ("Makefile", ".github", "pyproject.toml", "requirements", "requirements.txt", "src",
         "mlops.yml", "Dockerfile", "main.py", "tests")  # fmt: skip
QUICK = "--force --param num_customers=1000 --param n_trials=1"


class Job:
    """A checkout, and the account that it is signed in to as the user of an environment."""

    def __init__(self, folder: Path, emulator: Any, key: str) -> None:
        self.folder = folder / "project"
        self.programs = folder / "bin"
        self.emulator = emulator
        self._environ = {
            "PATH": os.pathsep.join([str(self.programs), os.environ["PATH"]]),
            "HOME": str(folder),
            "MLOPS_BRANCH": "develop",
            "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true",
        }
        self._as_admin = emulated.reached(emulator)
        self._as_ci = {
            "SNOWFLAKE_ACCOUNT": self._as_admin["SNOWFLAKE_ACCOUNT"],
            "SNOWFLAKE_USER": "MLOPS_CI_TEST",
            "SNOWFLAKE_PRIVATE_KEY_RAW": key,
        } | {
            f"SNOWFLAKE_CONNECTIONS_CI_{name}": self._as_admin[f"SNOWFLAKE_{name}"]
            for name in ("HOST", "PORT", "PROTOCOL")
        }
        self._check_out()

    def _check_out(self) -> None:
        self.folder.mkdir()
        self.programs.mkdir()
        for name in PARTS:
            source, to = HOUSE / name, self.folder / name
            if source.is_dir():
                shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, to)
        (self.folder / ".venv").symlink_to(Path(sys.prefix))
        for name, text in (("docker", PROGRAM), ("gh", PROGRAM), ("snow", SNOW)):
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)

    def _call(self, words: list[str], code: int, environ: dict[str, str]) -> str:
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self._environ | environ,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        return said

    def make(self, target: str, code: int = 0, **environ: str) -> str:
        """Call a target, and return what it prints; what tests need is installed already."""
        words = ["make", "--assume-old=.venv/.dev", "--assume-old=.venv/.run", target]
        return self._call(words, code, self._as_ci | environ)

    def told(self) -> list[list[str]]:
        """Return what the programs that stand in were told, in order."""
        text = (self.programs / "told.jsonl").read_text(encoding="utf-8")
        return [json.loads(line)[0] for line in text.splitlines()]

    def push(self, tag: str) -> None:
        """Push, as far as a stand-in can, and put the image where a registry would."""
        self.make("ci-push", TARGET="test", TAG=tag)
        emulated.put_image(self.emulator, "ml_test", tag, self.folder)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the account's administrator, and return the last one's rows."""
        return emulated.operate(self.emulator, *statements)

    def tags(self) -> set[str]:
        """Return the tags of the images that the graph's tasks run."""
        rows = self.sql("show tasks in schema ml_test.ml")
        return {tag for row in rows for tag in re.findall(r"mlops_framework:(\w+)", str(row))}

    def found(self, public_key: str) -> None:
        """Make what an administrator makes once, as docs/how-to/set-up-ci.md tells."""
        words = [".venv/bin/mlops", "infra", "apply", "--target", "test", "--yes"]
        self._call(words, 0, self._as_admin)
        self.sql(
            "create user mlops_ci_test type = service default_role = mlops_test_deploy_role"
            f" rsa_public_key = '{public_key}'",
            "grant role mlops_test_deploy_role to user mlops_ci_test",
            "grant create database on account to role mlops_test_deploy_role",
        )


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A job of the environment ``test``, whose account is made and whose image is pushed."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, none = serialization.Encoding, serialization.NoEncryption()
    private = made.private_bytes(encoding.PEM, serialization.PrivateFormat.PKCS8, none)
    public = made.public_key().public_bytes(
        encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with Emulator() as emulator:
        found = Job(tmp_path_factory.mktemp("job"), emulator, private.decode())
        found.found(base64.b64encode(public).decode())
        found.push("one")
        yield found


@pytest.fixture(scope="module")
def deployed(job):
    """The job after the steps of ``deploy.yml``, with the image ``one``."""
    job.make("ci-deploy", TARGET="test", TAG="one")
    ran = job.make("ci-graph", TARGET="test", ARGS=QUICK)
    assert "6 nodes: 6 succeeded" in ran
    job.make("ci-state", TARGET="test")
    return job


def owned(job, role):
    task = "ml_test.ml.task_train_model"
    job.sql(f"grant ownership on task {task} to role {role} copy current grants")


def test_an_image_is_built_kept_as_a_file_checked_and_loaded(job):
    job.make("ci-image", TAG="built", ARGS="--dirty")
    job.make("ci-image-save", TAG="built")
    job.make("ci-image-verify", GITHUB_REPOSITORY="o/r")
    job.make("ci-image-load")

    calls = job.told()
    saved, verified, loaded = calls[-3:]
    (built,) = (words for words in calls if words[0] == "build")
    assert "--tag=mlops_framework:built" in built
    assert saved == ["save", "--output", "image.tar", "mlops_framework:built"]
    assert verified[:5] == ["attestation", "verify", "image.tar", "--repo", "o/r"]
    assert loaded == ["load", "--input", "image.tar"]


def test_a_plan_for_a_pull_request_is_made_from_what_the_deployment_recorded(deployed):
    comment = deployed.folder / "plan.md"

    deployed.make("ci-plan", TARGET="test", TAG="one")
    unchanged = comment.read_text(encoding="utf-8")
    deployed.make("ci-plan", TARGET="test", TAG="two")
    changed = comment.read_text(encoding="utf-8")
    state = (deployed.folder / "state.json").replace(deployed.folder / "kept.json")
    deployed.make("ci-plan", TARGET="test", TAG="two")
    state.replace(deployed.folder / "state.json")

    assert "Plan: 0 to create, 0 to change, 0 to remove" in unchanged
    assert "Plan: 0 to create, 6 to change" in changed
    assert "No state of `test` is recorded yet" in comment.read_text(encoding="utf-8")


def test_a_graph_that_fails_lets_the_deployment_before_come_back(deployed):
    deployed.push("two")
    deployed.make("ci-deploy", TARGET="test", TAG="two")
    after = deployed.tags()
    failed = deployed.make("ci-graph", 2, TARGET="test", ARGS="--force --param num_customers=-1")
    deployed.make("ci-back", TARGET="test")

    assert after == {"two"}
    assert "num_customers" in failed
    assert deployed.tags() == {"one"}


def test_a_deployment_that_stopped_half_way_is_undone(deployed):
    deployed.push("three")
    owned(deployed, "accountadmin")
    failed = deployed.make("ci-deploy", 2, TARGET="test", TAG="three")
    half = deployed.tags()
    owned(deployed, "mlops_test_deploy_role")
    deployed.make("ci-undo", TARGET="test")

    assert "TASK_TRAIN_MODEL" in failed
    assert half == {"one", "three"}
    assert deployed.tags() == {"one"}


def test_a_pull_request_gets_an_environment_which_goes_when_its_time_is_over(deployed):
    deployed.make("ci-env", NAME="pr-7", ROLE="MLOPS_TEST_DEPLOY_ROLE")
    deployed.make("ci-push", TARGET="pr-7", TAG="one")
    deployed.make("ci-deploy", TARGET="pr-7", TAG="one")
    ran = deployed.make("ci-graph", TARGET="pr-7", ARGS=QUICK.removeprefix("--force "))
    kept = deployed.make("ci-env-expired", ROLE="MLOPS_TEST_DEPLOY_ROLE")
    said = deployed.sql("show databases like 'ML_TEST_PR_7'")[0][6]
    over = re.sub(r'"expires":"[^"]*"', '"expires":"2020-01-01T00:00:00Z"', said)
    deployed.sql(f"alter database ml_test_pr_7 set comment = '{over}'")
    gone = deployed.make("ci-env-expired", ROLE="MLOPS_TEST_DEPLOY_ROLE")

    assert "6 nodes: 6 skipped" in ran
    assert "no environment has expired" in kept
    assert "pr-7 is gone" in gone
    assert deployed.sql("show databases like 'ML_TEST_PR_7'") == []


def test_the_tests_of_an_account_are_signed_in_as_the_jobs_user(job):
    job.sql(
        "create role tester",
        "grant create database on account to role tester",
        "grant usage on warehouse compute_wh to role tester",
        "grant role tester to user mlops_ci_test",
        "alter user mlops_ci_test set default_role = tester default_warehouse = compute_wh",
    )

    said = job.make(
        "ci-account-tests",
        MLOPS_TEST_CONNECTION="ci",
        ACCOUNT_TESTS="tests/integration/snowflake/test_deployments.py",
    )

    job.sql("alter user mlops_ci_test set default_role = mlops_test_deploy_role")
    assert re.search(r"\d+ passed in", said)
    ran = "snowflake.account_usage.query_history where role_name = 'TESTER'"
    assert job.sql(f"select distinct user_name from {ran}") == [("MLOPS_CI_TEST",)]
