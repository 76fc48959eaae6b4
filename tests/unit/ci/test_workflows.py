"""The workflows call what there is: targets of make, commands of ours, pinned actions."""

import re

import click
import pytest

from sf_ml_framework.cli.commands import COMMANDS, Commands
from tests.unit.ci.steps import (
    ACTIONS,
    GITLAB,
    MAKEFILES,
    ROOT,
    WORKFLOWS,
    Line,
    commands,
    jobs,
    lines,
    make,
    read,
    steps,
    uses,
)

PROGRAMS = {
    "gh": {"pr"},
    "trivy": {"image", "fs", "config"},
    "apt-get": {"update", "install"},
    "rm": set(),
    "mv": set(),
    "test": set(),
    "touch": set(),
}
"""What is no target, with the words it may begin with: a job that comments checks nothing out, the
image of Trivy has no make, and the rest prepares a machine or marks how far a job came.
"""

ALL = list(lines())


def _targets() -> set[str]:
    text = "".join(file.read_text(encoding="utf-8") for file in MAKEFILES)
    return set(re.findall(r"^([a-z][a-z0-9-]*):", text, re.MULTILINE))


def _recipe(target: str) -> str:
    """Return what make would run for a target, one command a line."""
    done = make("--dry-run", target)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _why_not_ours(words: list[str]) -> str:
    """Return why the program knows no such line; empty when it does."""
    command: click.Command = Commands("mlops")
    context = click.Context(command, info_name="mlops")
    while isinstance(command, click.Group) and words:
        if isinstance(command, Commands) and words[0] not in COMMANDS:
            return f"there is no command {words[0]}"
        found = command.get_command(context, words[0])
        if found is None:
            return f"{command.name} has no {words[0]}"
        command, words = found, words[1:]
    known = {name for each in command.get_params(context) for name in (*each.opts, each.name)}
    unknown = [word for word in words if word.startswith("-") and word not in known]
    return f"{command.name} has no {', '.join(unknown)}" if unknown else ""


def _why_not(words: list[str]) -> str:
    """Return why a command is none that a step may call; empty when it is one."""
    program, rest = words[0], words[1:]
    if program == "make":
        return "" if rest and rest[0] in _targets() else f"the Makefile has no target {rest}"
    if program not in PROGRAMS:
        return f"{program} is no target of the Makefile"
    allowed = PROGRAMS[program]
    return f"{program} {rest[0]}" if allowed and rest[0] not in allowed else ""


@pytest.mark.parametrize("line", ALL, ids=[f"{each.where}-{each.text[:60]}" for each in ALL])
def test_each_line_calls_a_target_or_a_named_program(line: Line):
    assert [why for words in commands(line.text) if (why := _why_not(words))] == []


def test_a_line_that_calls_what_is_not_there_is_told():
    for text in ("make no-such-target", "make test && curl2 x", "gh api /", ".venv/bin/mlops list"):
        assert [why for words in commands(text) if (why := _why_not(words))], text


@pytest.mark.parametrize("target", sorted(each for each in _targets() if each.startswith("ci-")))
def test_a_target_of_the_workflows_calls_what_there_is_and_is_called(target: str):
    ours = re.findall(r"(?<=\.venv/bin/mlops )[^;>\n]*", _recipe(target))
    scripts = re.findall(r"\.github/scripts/\S+", _recipe(target))

    assert [why for words in ours if (why := _why_not_ours(words.split()))] == []
    assert all((ROOT / script).is_file() for script in scripts)
    assert any(words[:2] == ["make", target] for line in ALL for words in commands(line.text))


def test_a_command_that_is_not_there_is_told():
    for words in ("deplyo", "deploy --tagg 1", "image scann"):
        assert _why_not_ours(words.split()), words


def test_a_target_says_what_it_is_not_given():
    done = make("ci-deploy", "TARGET=test")

    assert done.returncode == 2
    assert "TAG: name it: make ci-deploy TAG=…" in done.stderr


def test_every_action_is_pinned_by_the_hash_of_a_commit_and_says_its_version():
    for use in uses():
        if use.action.startswith("$/"):
            path = ROOT / use.action.removeprefix("$/")
            assert path.is_file() or (path / "action.yml").is_file(), use
        else:
            assert re.fullmatch(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}", use.action), use
            assert re.fullmatch(r"v\d+\.\d+\.\d+", use.comment), use


def test_one_action_has_one_version_everywhere():
    pins = {(use.action.partition("@")[0], use.action) for use in uses()}

    assert len(pins) == len({name for name, _ in pins})


def test_the_action_whose_tags_were_hijacked_is_a_later_one():
    """All tags of trivy-action below 0.35.0, and Trivy 0.69.4 to 0.69.6, were malicious."""
    pinned = [step for _, step in steps() if "trivy-action" in step.get("uses", "")]

    assert {step["with"]["scan-type"] for step in pinned} == {"image", "fs", "config"}
    for step in pinned:
        version = tuple(map(int, step["with"]["version"].removeprefix("v").split(".")))
        assert version >= (0, 70, 0)


def test_no_workflow_gives_a_permission_to_all_of_its_jobs():
    assert all(read(file)["permissions"] == {} for file in WORKFLOWS)
    assert all("permissions" in job for _, job in jobs())


def test_only_what_signs_in_or_signs_may_ask_for_an_identity():
    may = {name for name, job in jobs() if "id-token" in job["permissions"]}

    assert may == {
        "ci-cd.yml:account",
        "ci-cd.yml:attest",
        "ci-cd.yml:deploy-test",
        "ci-cd.yml:deploy-prod",
        "ci-cd.yml:environment",
        "ci-cd.yml:expired",
        "deploy.yml:deploy",
    }


def test_an_environment_is_made_for_branches_of_this_repository_where_it_is_asked_for():
    found = read(WORKFLOWS[0])["jobs"]

    for name in ("environment", "expired"):
        assert "vars.SNOWFLAKE_PULL_REQUEST_USER != ''" in found[name]["if"]
        assert found[name]["environment"] == "pull-requests"
    assert "head.repo.full_name == github.repository" in found["environment"]["if"]
    made = " ".join(step.get("run", "") for step in found["environment"]["steps"])
    assert "--approve" not in made
    assert "prod" not in made


def test_what_a_pull_request_runs_has_no_way_into_an_account():
    plan = read(WORKFLOWS[0])["jobs"]["plan"]

    assert plan["permissions"] == {"contents": "read", "actions": "read"}
    assert "environment" not in plan
    assert "vars." not in str(plan)
    assert "secrets." not in str(plan)


def test_what_may_write_to_a_pull_request_runs_nothing_of_it():
    comment = read(WORKFLOWS[0])["jobs"]["comment"]

    assert not [step for step in comment["steps"] if "checkout" in step.get("uses", "")]


def test_no_secret_is_stored():
    for file in (*WORKFLOWS, *ACTIONS):
        assert "secrets." not in file.read_text(encoding="utf-8"), file


def test_a_checkout_leaves_no_token_behind():
    for where, step in steps():
        if "actions/checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False, where


def test_what_a_stranger_writes_never_becomes_a_part_of_a_script():
    for where, step in steps():
        assert "${{" not in str(step.get("run", "")), where


def test_every_job_ends_by_itself():
    for where, job in jobs():
        assert "timeout-minutes" in job or "uses" in job, where


def test_a_deployment_is_gated_alone_and_never_ended_half_way():
    (deploy,) = read(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"].values()

    assert deploy["environment"] == "${{ inputs.target }}"
    assert deploy["concurrency"] == {
        "group": "deploy-${{ inputs.target }}",
        "cancel-in-progress": False,
    }


def test_a_deployment_waits_for_every_check():
    found = read(ROOT / ".github" / "workflows" / "ci-cd.yml")["jobs"]
    checks = {"checks", "unit", "emulator", "dependencies", "attest", "end-to-end", "account"}

    for target, branch in (("test", "develop"), ("prod", "main")):
        job = found[f"deploy-{target}"]
        assert set(job["needs"]) == checks
        assert f"refs/heads/{branch}" in job["if"]
        assert job["with"]["target"] == target
    assert found["attest"]["needs"] == "scan"
    assert found["scan"]["needs"] == "image"


def test_a_deployment_whose_graph_fails_is_rolled_back():
    (deploy,) = read(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"].values()
    ran = [step["run"] for step in deploy["steps"] if "run" in step]
    order = ["ci-push", "ci-deploy", "ci-undo", "ci-graph", "ci-back", "ci-state"]
    places = [next(n for n, text in enumerate(ran) if word in text) for word in order]

    assert places == sorted(places)
    back = next(step for step in deploy["steps"] if "ci-back" in step.get("run", ""))
    assert back["if"] == "${{ failure() && steps.graph.outcome == 'failure' }}"


def test_nothing_that_is_deployed_is_built_from_a_cache():
    for where, step in steps():
        builds = where in ("ci-cd.yml:image", "deploy.yml:deploy")
        if builds and step.get("uses", "").endswith("actions/set-up"):
            assert step["with"]["cache"] == "false", where


def test_all_versions_of_python_are_tested_on_both_platforms():
    ours = ["3.11", "3.12", "3.13"]
    github = read(ROOT / ".github" / "workflows" / "ci-cd.yml")["jobs"]["unit"]

    assert github["strategy"]["matrix"]["python"] == ours
    assert read(GITLAB)["unit"]["parallel"]["matrix"] == [{"PYTHON_VERSION": ours}]


def test_the_template_deploys_the_targets_that_there_are():
    targets = read(ROOT / "mlops.yml")["targets"]
    template = read(GITLAB)

    for target in ("test", "prod"):
        assert target in targets
        assert template[f"deploy-{target}"]["variables"]["TARGET"] == target
    assert template["deploy-prod"]["rules"][0]["when"] == "manual"
