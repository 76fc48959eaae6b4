"""The wheel that a project is given is the framework that runs."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sf_ml_framework import __version__
from sf_ml_framework.errors import OperatorError
from sf_ml_framework.scaffold.framework import running_scaffold
from sf_ml_framework.scaffold.rendering import digest_of
from sf_ml_framework.scaffold.wheel import pack, sha256_of, unpack_scaffold, version_of

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return pack(tmp_path_factory.mktemp("packed"))


def contents(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_same_files_are_the_same_wheel(wheel, tmp_path):
    assert sha256_of(pack(tmp_path)) == sha256_of(wheel)


def test_it_holds_what_the_build_of_a_release_holds(wheel, tmp_path):
    """Nothing is left out that hatchling packs, and nothing is in it besides."""
    pytest.importorskip("hatchling")
    build = "import hatchling.build, sys; hatchling.build.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True)
    (built,) = tmp_path.glob("*.whl")

    ours, theirs = contents(wheel), contents(built)
    apart = {"WHEEL", "RECORD", "METADATA", "LICENSE"}
    code = {name for name in theirs if name.rpartition("/")[2] not in apart}
    assert {name for name in ours if name.rpartition("/")[2] not in apart} == code
    assert {name: ours[name] for name in code} == {name: theirs[name] for name in code}


def test_pip_installs_it_and_it_runs(wheel, tmp_path):
    words = ["install", "--quiet", "--no-deps", "--no-index", "--target", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", *words, str(wheel)], check=True)

    look = "import sf_ml_framework as s, json; print(json.dumps([s.__file__, s.__version__]))"
    done = subprocess.run(
        [sys.executable, "-c", look],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert json.loads(done.stdout) == [str(tmp_path / "sf_ml_framework/__init__.py"), __version__]
    assert (tmp_path / "bin" / "mlops").is_file()


def test_it_carries_the_template_that_made_the_project(wheel, tmp_path):
    found = unpack_scaffold(wheel, tmp_path)

    assert found is not None
    assert digest_of(found) == digest_of(running_scaffold())
    assert version_of(wheel) == __version__


@pytest.mark.parametrize("name", ["other-1.0-py3-none-any.whl", "sf_ml_framework-1.0.whl.txt"])
def test_another_file_is_no_wheel_of_ours(tmp_path, name):
    (tmp_path / name).write_text("no zip")

    with pytest.raises(OperatorError, match="is no wheel of sf-ml-framework"):
        version_of(tmp_path / name)


def test_a_path_that_leaves_the_folder_is_not_unpacked(tmp_path):
    wheel = tmp_path / "sf_ml_framework-9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("sf_ml_framework/scaffold/template/copier.yml", "")
        archive.writestr("sf_ml_framework/scaffold/../../../escaped.txt", "")

    unpack_scaffold(wheel, tmp_path / "in" / "here")

    assert not list(tmp_path.rglob("escaped.txt"))
