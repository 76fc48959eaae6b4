"""A project is made: where, of what, and what newcomers do wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sf_ml_framework import __version__
from sf_ml_framework.scaffold.wheel import sha256_of
from tests.integration.init.conftest import Said, commit, edit, files_in, git

ROOT = Path(__file__).parents[3]


def test_a_project_is_made_and_the_next_steps_are_told(mlops, tmp_path):
    said = mlops("init", "my-churn")

    assert said.code == 0
    assert said.out == f"my-churn: {len(files_in(tmp_path))} files, package my_churn\n"
    for step in ("cd my-churn", "make run", "make test", "git init", "make trial"):
        assert step in said.err
    assert list(tmp_path.iterdir()) == [tmp_path / "my-churn"]
    for name in (
        "my_churn/nodes.py", "my_churn/catalog.py", "my_churn/pipeline.py", "tests/test_nodes.py",
        "tests/test_pipeline.py", "Dockerfile", "Makefile", "mlops.yml", "config.env", "README.md",
        ".gitignore", ".dockerignore", ".github/workflows/ci.yml", "requirements/run.txt",
        "requirements/dev.txt", "requirements/image.txt", "requirements.in",
    ):  # fmt: skip
        assert (tmp_path / "my-churn" / name).is_file(), name


def test_nothing_of_the_template_and_of_this_machine_is_left_in_it(mlops, tmp_path):
    mlops("init", "churn")

    for name, content in files_in(tmp_path / "churn").items():
        if name.startswith("vendor/"):
            continue
        text = content.decode()
        assert "{{" not in text.replace("${{", ""), name
        assert "{%" not in text, name
        assert str(tmp_path) not in text, name
        assert str(ROOT) not in text, name
        assert text.endswith("\n") or text == "", name


def test_the_framework_comes_along_and_its_hash_is_held(mlops, tmp_path, wheel):
    mlops("init", "churn")

    name = f"sf_ml_framework-{__version__}-py3-none-any.whl"
    line = (tmp_path / "churn" / "framework.txt").read_text()
    assert line == f"./vendor/{name} --hash=sha256:{sha256_of(wheel)}\n"
    assert (tmp_path / "churn" / "vendor" / name).read_bytes() == wheel.read_bytes()


def test_answers_are_given_by_option_and_by_pair(mlops, tmp_path):
    said = mlops(
        "init", "churn", "--defaults", "--package", "leave", "--python", "3.12", "--ci", "none",
        "--data", "prefix=LEAVERS", "--data", "description=Who leaves",
    )  # fmt: skip

    folder = tmp_path / "churn"
    assert said.code == 0
    assert (folder / "leave" / "__init__.py").read_text() == '"""Who leaves."""\n'
    assert "database: LEAVERS_DEV" in (folder / "mlops.yml").read_text()
    assert "ARG BASE=python:3.12-slim" in (folder / "Dockerfile").read_text()
    assert (folder / ".python-version").read_text() == "3.12\n"
    assert not (folder / ".github").exists()
    assert not (folder / "requirements" / "snow.txt").exists()
    assert "## CI" not in (folder / "README.md").read_text()


def test_what_was_typed_is_a_text_and_no_template(mlops, tmp_path):
    name = """it's {{ 7 * 7 }} #%&"""
    said = mlops("init", name, "--package", "p", "--description", "{% raw %} {{ 7 * 7 }}: 100 %")

    assert said.code == 0, said.err
    readme = (tmp_path / name / "README.md").read_text()
    assert readme.startswith(f"# {name}\n\n{{% raw %}} {{{{ 7 * 7 }}}}: 100 %. A pipeline")
    assert "49" not in readme
    commit(tmp_path / name, init=True)
    assert mlops("init", "--update", "--project", name).out.startswith("up to date")


def test_a_template_that_wants_to_run_something_is_refused(mlops, tmp_path, newer):
    """Whoever names another framework takes files of it, and runs nothing."""
    task = '\n_tasks:\n  - touch "$PWD/ran"\n'
    wheel = newer({"../copier.yml": lambda text: text + task})

    said = mlops("init", "churn", "--framework", str(wheel))

    assert said.code == 3
    assert "the template cannot be used" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_program_reads_what_was_made(mlops, tmp_path):
    said = mlops("init", "churn", "--format", "json")

    assert {row["file"] for row in json.loads(said.out)} == set(files_in(tmp_path / "churn"))
    assert said.err == ""


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("MyChurn", "my_churn"),
        ("my churn 2", "my_churn_2"),
        ("Kündigung", "kuendigung"),
        ("deep/in/folders", "folders"),
    ],
)
def test_a_name_that_is_no_package_yet_gets_one(mlops, tmp_path, name, package):
    said = mlops("init", name)

    assert said.code == 0, said.err
    assert (tmp_path / name / package / "nodes.py").is_file()
    assert (tmp_path / name / "README.md").read_text().startswith(f"# {Path(name).name}\n")
    assert mlops("validate", "--project", name).code == 0


@pytest.mark.parametrize(
    ("words", "fault", "remedy"),
    [
        (["class"], "cannot be 'class': it is a word of Python", "--package class_project"),
        (["json"], "in the way of the module", "--package json_project"),
        (["tests"], "a folder of that name for something else", "--package tests_project"),
        (["2fast"], "begins with a letter", "--package fast"),
        (["日本"], "cannot be ''", "--package my_project"),
        (["order"], "'order': it is a reserved word", "--package order_project"),
        (["x", "--prefix", "TABLE"], "begin with 'TABLE': it is a reserved", "--prefix X_PROJECT"),
        (["x", "--package", "My-Pkg"], "lower-case", "--package"),
        (["x", "--package", "ok_"], "lower-case", "--package"),
        (["x", "--prefix", "lower"], "'prefix'", "--help"),
        (["x", "--data", "description=one\ntwo"], "'description'", "--help"),
        (["x", "--data", "pakage=y"], "no question is named 'pakage'", "'package'"),
        (["x", "--data", "package"], "is no pair", "KEY=VALUE"),
        (["x", "--python", "3.9"], "cannot be '3.9'", "did you mean '3.1"),
        ([], "needs a NAME", "mlops init churn"),
        (["  "], "needs a NAME", "mlops init churn"),
        (["a\nb"], "cannot be called", "another"),
        (["x", "--update"], "takes no NAME", "--project"),
        (["x", "--framework", "no/such/folder"], "no folder of the framework", "clone"),
        (["x", "--framework", "none.whl"], "there is no file", "wheel"),
        (["x", "--framework", "sf-ml-framework"], "no single version", "=="),
        (["x", "--framework", "sf-ml-framework>=1"], "no single version", "=="),
        (["x", "--framework", "sf-ml-framework==98.0"], "may not fit", "its own `mlops init`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_is_refused_with_a_remedy_and_leaves_nothing(
    mlops, tmp_path, words, fault, remedy
):
    said = mlops("init", *words)

    assert said.code == 2, said
    assert fault in said.err
    assert remedy in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_that_name_is_left_alone(mlops, tmp_path):
    (tmp_path / "churn").write_text("mine")

    said = mlops("init", "churn", "--force")

    assert said.code == 3
    assert "is a file" in said.err
    assert (tmp_path / "churn").read_text() == "mine"


def test_a_folder_that_holds_something_is_taken_only_when_forced(mlops, tmp_path):
    folder = tmp_path / "churn"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "README.md").write_text("old")

    refused = mlops("init", "churn")
    assert refused.code == 3
    assert "not empty: it holds README.md, notes.txt" in refused.err
    assert files_in(folder) == {"notes.txt": b"mine", "README.md": b"old"}

    assert mlops("init", "churn", "--force").code == 0
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "README.md").read_text().startswith("# churn\n")


def test_this_folder_is_named_with_a_dot(mlops, tmp_path, monkeypatch):
    folder = tmp_path / "leavers"
    folder.mkdir()
    git(folder, "init", "--quiet")
    monkeypatch.chdir(folder)

    said = mlops("init", ".")

    assert (said.code, said.out.partition(":")[0]) == (0, ".")
    assert "cd " not in said.err
    assert "git init" not in said.err
    assert (folder / "leavers" / "nodes.py").is_file()


def test_inside_another_project_it_must_be_meant(mlops, tmp_path, monkeypatch):
    mlops("init", "around")
    monkeypatch.chdir(tmp_path / "around")

    refused = mlops("init", "within")
    assert refused.code == 3
    assert f"inside the project {tmp_path / 'around'}" in refused.err
    assert not (tmp_path / "around" / "within").exists()

    assert mlops("init", "within", "--force").code == 0
    assert mlops("validate", "--project", "within").out.startswith("within: ")


def test_a_project_is_not_made_twice(mlops, tmp_path):
    mlops("init", "churn")
    edit(tmp_path / "churn" / "README.md", "# churn", "# mine")
    before = files_in(tmp_path)

    said = mlops("init", "churn", "--force")

    assert said.code == 3
    assert "a project already" in said.err
    assert "--update" in said.err
    assert files_in(tmp_path) == before


def _in_a_process(tmp_path: Path, *words: str, **environ: str) -> Said:
    done = subprocess.run(
        [sys.executable, "-m", "sf_ml_framework", "init", *words],
        cwd=tmp_path, env={**os.environ, **environ}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


def test_no_git_is_needed_to_begin(tmp_path):
    """A machine that has make, and nothing else on the path."""
    path = tmp_path / "bin"
    path.mkdir()
    (path / "make").symlink_to(shutil.which("make"))

    said = _in_a_process(tmp_path, "churn", PATH=str(path))

    assert said.code == 0, said.err
    assert (tmp_path / "churn" / "mlops.yml").is_file()


def test_without_copier_the_remedy_is_told(tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "copier.py").write_text("raise ImportError\n")

    said = _in_a_process(tmp_path, "churn", PYTHONPATH=str(hidden))

    assert said.code == 3
    assert "needs Copier" in said.err
    assert "pip install" in said.err
    assert not (tmp_path / "churn").exists()


@pytest.mark.parametrize("by", ["folder", "git url"])
def test_a_clone_is_built_and_a_git_url_too(mlops, tmp_path, wheel, by):
    """The clone here is the smallest that pip builds: the real one takes longer, no other way."""
    pytest.importorskip("hatchling")
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "sf_ml_framework", clone / "sf_ml_framework", symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone / name)

    if by == "git url":
        commit(clone, init=True)

    given = str(clone) if by == "folder" else f"git+{clone.as_uri()}"
    said = mlops("init", "churn", "--framework", given)

    assert said.code == 0, said.err
    assert "building a wheel" in said.err
    (vendored,) = (tmp_path / "churn" / "vendor").iterdir()
    assert vendored.name == wheel.name


def test_a_url_that_gives_nothing_is_told_and_leaves_nothing(mlops, tmp_path):
    said = mlops("init", "churn", "--framework", f"git+file://{tmp_path}/no-such-repository")

    assert said.code == 3
    assert "pip builds no wheel" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_version_of_an_index_is_named_and_nothing_vendored(mlops, tmp_path):
    said = mlops("init", "churn", "--framework", f"sf-ml-framework=={__version__}")

    folder = tmp_path / "churn"
    assert said.code == 0
    assert (folder / "framework.txt").read_text() == f"sf-ml-framework=={__version__}\n"
    assert not (folder / "vendor").exists()
    assert "vendor" not in (folder / "Dockerfile").read_text()
    commit(folder, init=True)
    assert mlops("init", "--update", "--project", "churn").out == (
        f"up to date with mlops {__version__}: nothing changed\n"
    )
