"""Which target a branch belongs to, on a laptop and in CI."""

from __future__ import annotations

import subprocess

import pytest

from sf_ml_framework.cli.branches import current_branch, target_of_branch, why_not
from sf_ml_framework.errors import OperatorError
from sf_ml_framework.settings import Settings
from sf_ml_framework.targets import load

TARGETS = {
    "dev": {"database": "d"},
    "test": {"extends": "dev", "database": "t", "branch": ["develop", "release/*"]},
    "prod": {"extends": "test", "database": "p", "branch": "main"},
    "trial": {"extends": "prod", "database": "r"},
}
SETTINGS = Settings(project="a:B", targets=TARGETS)


@pytest.fixture
def repository(tmp_path):
    def git(*words: str) -> None:
        names = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main",
                 "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null")  # fmt: skip
        subprocess.run(["git", *names, "-C", str(tmp_path), *words], check=True, timeout=30)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("switch", "-q", "-c", "develop")
    return tmp_path, git


@pytest.mark.parametrize(
    ("environ", "branch"),
    [
        ({"MLOPS_BRANCH": "x"}, "x"),
        ({"CI": "true", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}, "main"),
        ({"CI": "true", "GITHUB_REF_NAME": "42/merge", "GITHUB_HEAD_REF": "feature"}, "feature"),
        ({"CI": "true", "GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}, ""),
        ({"CI": "true", "CI_COMMIT_BRANCH": "develop"}, "develop"),
        ({"CI": "true", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature"}, "feature"),
        ({"GITHUB_REF_NAME": "main"}, None),
        ({}, None),
    ],
)
def test_the_ci_service_names_the_branch(tmp_path, environ, branch):
    assert current_branch(tmp_path, environ) == branch


def test_git_names_the_branch_and_a_commit_is_none(repository):
    root, git = repository
    before = current_branch(root, {})
    git("switch", "-q", "--detach")

    assert before == "develop"
    assert current_branch(root, {}) == ""


@pytest.mark.parametrize(
    ("branch", "target"),
    [("main", "prod"), ("develop", "test"), ("release/1", "test"), ("feature", "")],
)
def test_in_ci_the_default_target_follows_the_branch(tmp_path, branch, target):
    environ = {"CI": "true", "CI_COMMIT_BRANCH": branch}

    assert target_of_branch(SETTINGS, tmp_path, environ) == target


def test_on_a_laptop_it_does_not(repository):
    assert target_of_branch(SETTINGS, repository[0], {}) == ""


def test_a_branch_of_two_targets_chooses_none(tmp_path):
    found = Settings(project="a:B", targets={**TARGETS, "other": {"branch": "main"}})

    with pytest.raises(OperatorError, match="several targets: prod, other"):
        target_of_branch(found, tmp_path, {"MLOPS_BRANCH": "main", "CI": "true"})


def test_a_target_takes_its_own_branches_alone(repository):
    root, git = repository
    prod, test = load(SETTINGS, "prod"), load(SETTINGS, "test")

    assert why_not(test, root, {}) == ""
    assert "deployed from main, and this is the branch develop" in why_not(prod, root, {})
    git("switch", "-q", "--detach")
    assert "this is no branch" in why_not(prod, root, {})
    assert why_not(load(SETTINGS, "dev"), root, {}) == ""


def test_where_nothing_names_a_branch_nothing_is_refused(tmp_path):
    assert why_not(load(SETTINGS, "prod"), tmp_path, {}) == ""
