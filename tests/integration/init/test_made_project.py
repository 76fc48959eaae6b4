"""What `mlops init` makes is whole: it runs, its tests pass, its workflow and its locks hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from sf_ml_framework.cli.app import main
from tests.integration.init.conftest import commit, edit, files_in, git, make
from tests.unit.ci.steps import ROOT, commands, uses
from tests.unit.ci.test_workflows import _why_not_ours as why_not_ours

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project in a folder with a space and an umlaut in its name."""
    folder = tmp_path_factory.mktemp("ein Büro") / "My Churn"
    assert main(["init", str(folder), "--quiet"]) == 0
    return folder


@pytest.mark.slow
def test_make_run_runs_the_pipeline_and_then_only_what_was_changed(project):
    first = make(project, "run")
    assert first.returncode == 0, first.stderr
    assert "5 nodes: 5 succeeded" in first.stderr + first.stdout
    assert (project / "data" / "report.html").is_file()

    edit(project / "my_churn" / "pipeline.py", '"rush_hour": 16', '"rush_hour": 17')
    second = make(project, "run")

    assert "5 nodes: 2 skipped, 3 succeeded" in second.stderr + second.stdout
    assert "rush_hour: 16 → 17" in second.stderr + second.stdout


@pytest.mark.slow
def test_make_test_passes(project):
    done = make(project, "test")

    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout)
    assert "skipped" not in done.stdout


def test_make_help_lists_every_target(project):
    text = (project / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: ([a-z-]+)$", text, re.MULTILINE))

    listed = set(re.findall(r"^ +make ([a-z-]+)", make(project, "help").stdout, re.MULTILINE))

    assert phony == listed


def test_its_code_is_as_clean_as_a_linter_wants_it(project):
    rules = "E,F,W,I,N,UP,B,A,C4,SIM,PTH,RET,PERF"
    options = ["--isolated", "--line-length", "100", "--no-cache"]
    for words in (["check", "--select", rules], ["format", "--check"]):
        done = subprocess.run(
            [BIN / "ruff", *words, *options, "."],
            cwd=project, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_its_workflow_passes_the_checks_of_ours(project):
    github = project / ".github"
    check = [BIN / "check-jsonschema", "--quiet", "--builtin-schema"]
    for command in (
        [*check, "vendor.github-workflows", github / "workflows" / "ci.yml"],
        [*check, "vendor.dependabot", github / "dependabot.yml"],
        [BIN / "zizmor", "--offline", "--quiet", "--persona", "auditor", github],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_it_uses_the_very_actions_that_we_use(project):
    """One place where they are looked at: Dependabot proposes newer ones here."""
    ours = {use.action for use in uses()}
    text = (project / ".github" / "workflows" / "ci.yml").read_text()

    theirs = set(re.findall(r"uses:\s*(\S+)", text))

    assert theirs
    assert theirs <= ours


def test_each_line_of_its_workflow_calls_a_target_or_a_command_of_ours(project):
    targets = set(re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(), re.MULTILINE))
    jobs = yaml.safe_load((project / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    lines = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    wrong = []
    for words in (words for line in lines for words in commands(line)):
        if words[0] == "make":
            wrong += [word for word in words[1:] if "=" not in word and word not in targets]
        elif words[0] == ".venv/bin/mlops":
            wrong += filter(None, [why_not_ours(words[1:])])
        elif not (words[0] == "python3" and (project / words[1]).is_file()):
            wrong.append(" ".join(words))
    assert lines
    assert wrong == []


def test_its_jobs_have_few_rights_and_no_secret(project):
    text = (project / ".github" / "workflows" / "ci.yml").read_text()
    workflow = yaml.safe_load(text)

    assert workflow["permissions"] == {}
    assert "secrets." not in text
    may = {name for name, job in workflow["jobs"].items() if "id-token" in job["permissions"]}
    assert may == {"deploy"}
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_what_signs_in_is_ours(project):
    ours = ROOT / ".github" / "scripts" / "signed_in.py"

    assert (project / ".github" / "scripts" / "signed_in.py").read_bytes() == ours.read_bytes()


def pins(file: Path) -> dict[str, str]:
    """Return the version of each package that *file* locks; each must have a hash."""
    found = {}
    for entry in re.split(r"\n(?=\S)", file.read_text()):
        if match := re.match(r"([a-z0-9][a-z0-9._-]*)(?:\[[\w,]+\])?==([^ ;\\]+)", entry):
            assert "--hash=sha256:" in entry, entry
            found[match[1]] = match[2]
    return found


def test_its_locks_hold_what_the_framework_and_the_nodes_need_and_agree(project):
    import tomllib

    folder = project / "requirements"
    run, dev, image = (pins(folder / f"{name}.txt") for name in ("run", "dev", "image"))
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = declared["optional-dependencies"]

    def needed(lines):
        return {Requirement(line).name.lower() for line in lines}

    assert needed(declared["dependencies"]) | {"scikit-learn", "pytest"} <= set(run)
    assert needed(declared["dependencies"] + extras["snowflake"]) | {"scikit-learn"} <= set(image)
    assert needed([line for extra in extras.values() for line in extra]) <= set(dev)
    assert "pytest" not in image
    assert "copier" not in image
    assert "fakesnow" not in image
    ours = pins(ROOT / "requirements" / "dev.txt")
    for lock in (run, image):
        assert lock.items() <= dev.items()
        assert {name: ours[name] for name in lock} == lock


def test_what_the_image_holds_is_what_dockerignore_lets_through(project):
    dockerfile = (project / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    ignore = (project / ".dockerignore").read_text().splitlines()

    wanted = {name for names in copied for name in names.split()}

    assert wanted == {line[1:] for line in ignore if line.startswith("!")}
    assert all((project / name).exists() for name in wanted)


MADE = (
    ".env", ".mlops/runs.db", ".pytest_cache/README.md", ".venv/bin/python", ".venv-ci/bin/python",
    "data/orders/v1.0.0.csv", "my_churn/__pycache__/nodes.cpython-311.pyc", "out/plan.json",
    "tests/__pycache__/test_nodes.cpython-311.pyc",
)  # fmt: skip
"""What commands, tests and people make in a project, or keep secret."""


def test_what_is_made_or_secret_is_not_committed(tmp_path):
    folder = tmp_path / "my-churn"
    assert main(["init", str(folder), "--quiet"]) == 0
    whole = set(files_in(folder))
    for name in MADE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("made\n")

    commit(folder, init=True)

    assert set(git(folder, "-c", "core.quotepath=off", "ls-files").splitlines()) == whole
    assert any(name.startswith("vendor/") for name in whole)
