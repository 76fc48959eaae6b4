"""A name or an archive that would leave its folder is refused, wherever one comes in."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project
from sf_ml_framework.errors import ManifestError, SettingsError
from sf_ml_framework.manifest.build import build
from sf_ml_framework.places.snowflake import ml_job_entry
from tests.unit.plan import projects

HOSTILE = ["../up", "..", "a/../../b", "/etc/passwd", "a/b", "a\\b", "~root", "a\0b", "%2e%2e"]


def made() -> dict[str, int]:
    return {"n": 1}


def faults_of(**changes: object) -> str:
    """Return what is wrong with a project of one node and one dataset, with *changes* to it."""
    given = {"node": "make", "dataset": "made", "version": "v1", "secret": "key", "way": "out"}
    given |= changes
    project = Project(
        name=str(given.get("project", "shop")),
        catalog=DataCatalog(
            [Dataset(name=given["dataset"], kind="document", version=given["version"])]
        ),
        pipeline=[
            NodeConfig(
                name=given["node"],
                function=made,
                outputs=given["dataset"],
                secrets=[given["secret"]],
                external_access=[given["way"]],
            )
        ],
    )
    try:
        build(project, Path.cwd())
    except ManifestError as error:
        return str(error)
    return ""


def test_the_names_that_the_others_are_variations_of_are_taken():
    assert faults_of() == ""
    assert faults_of(secret="vault.keys.maps") == ""


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
@pytest.mark.parametrize("place", ["project", "node", "dataset", "version", "secret", "way"])
def test_a_name_that_is_a_path_is_a_fault_of_the_declaration(place, name):
    assert "fault" in faults_of(**{place: name})


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
@pytest.mark.parametrize(
    "setting",
    [
        lambda name: {"database": name},
        lambda name: {"schema": name},
        lambda name: {"stage": name},
        lambda name: {"image_repository": name},
        lambda name: {"image": name},
        lambda name: {"image_tag": name},
        lambda name: {"secrets": {"key": name}},
        lambda name: {"service_user": {"name": name}},
        lambda name: {"network": {"egress": {name: ["a.example.com"]}}},
    ],
    ids=["database", "schema", "stage", "repository", "image", "tag", "secret", "user", "egress"],
)
def test_a_name_that_is_a_path_is_a_fault_of_the_target(setting, name):
    with pytest.raises(SettingsError):
        projects.target(**setting(name))


def test_the_archive_of_an_ml_job_leaves_nothing_outside_of_its_folder(tmp_path):
    folder, unpacked = tmp_path / "payload", tmp_path / "some" / "tmp"
    folder.mkdir()
    unpacked.mkdir(parents=True)
    entry = folder / "entry.py"
    entry.write_bytes(Path(ml_job_entry.__file__).read_bytes())
    door = "import pathlib, sys\nprint(pathlib.Path(__file__).parents[2])\n"
    with zipfile.ZipFile(folder / ml_job_entry.ARCHIVE, "w") as archive:
        archive.writestr("framework/sf_ml_framework/__init__.py", "")
        archive.writestr("framework/sf_ml_framework/container.py", door)
        for name in ("../outside.txt", f"{tmp_path}/outside.txt", "project/../../../outside.txt"):
            archive.writestr(name, "written outside")

    done = subprocess.run(
        [sys.executable, "-I", str(entry)],
        cwd=folder, env={"TMPDIR": str(unpacked), "PATH": ""}, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    (place,) = done.stdout.split()
    assert Path(place).parent == unpacked  # two folders below the one that is looked through
    found = {file.relative_to(tmp_path).parts[:2] for file in tmp_path.rglob("outside.txt")}
    assert found <= {("some", "tmp")}
    assert not list(unpacked.glob("outside.txt"))
