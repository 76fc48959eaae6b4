"""What podman and docker are asked, and what enters a root directory; neither is run here."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from sf_ml_framework.emulator.containers import enter
from sf_ml_framework.emulator.containers.buildah import _transport
from sf_ml_framework.emulator.containers.engine import Engine
from sf_ml_framework.emulator.containers.runtime import Run, built, runtime
from sf_ml_framework.emulator.faults import SnowflakeError


def a_run(**more):
    given = {
        "name": "emulator-1-0-main",
        "image": "abc",
        "argv": ("python", "main.py", "--node", "train"),
        "env": {"SECRET": "open sesame", "PATH": "/opt/bin"},
        "mounts": ((Path("/files"), "/mnt/in"),),
        "workdir": "/app",
        "user": "",
    }
    return Run(**{**given, **more})


@pytest.mark.parametrize("name", ["podman", "docker"])
def test_the_command_line_of_an_engine(name):
    assert Engine(name).words(a_run()) == (
        *(name, "run", "--rm", "--name", "emulator-1-0-main", "--network", "host"),
        *("--pull", "never", "--env", "PATH=/opt/bin", "--env", "SECRET"),
        *("--volume", "/files:/mnt/in", "--workdir", "/app", "--entrypoint", "python"),
        *("abc", "main.py", "--node", "train"),
    )


def test_a_value_reaches_an_engine_by_its_environment_but_not_its_own_variables(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")

    command = Engine("podman").begin(a_run())

    assert command.env["SECRET"] == "open sesame"
    assert command.env["PATH"] == "/usr/bin"
    assert command.after is not None


def test_an_image_tells_what_it_runs():
    config = {"Entrypoint": ["a"], "Cmd": None, "Env": ["X=1=2", "Y="], "User": "u"}
    image = built("f" * 64, "", config)

    assert (image.entrypoint, image.command, image.user) == (("a",), (), "u")
    assert image.env == {"X": "1=2", "Y": ""}
    assert image.digest == "sha256:" + "f" * 64


def test_processes_need_no_runtime_and_another_must_be_installed(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    assert runtime("process") is None
    with pytest.raises(OSError, match="podman is not installed"):
        runtime("podman")


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (["manifest.json", "x.json"], "docker-archive"),
        (["./oci-layout", "./index.json"], "oci-archive"),
        (["oci-layout", "manifest.json"], "docker-archive"),
    ],
)
def test_both_kinds_of_archive_are_told_apart(tmp_path, files, kind):
    (tmp_path / "f").touch()
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name in files:
            archive.add(tmp_path / "f", name)

    assert _transport(tmp_path / "a.tar") == kind


def test_an_archive_of_something_else_is_refused(tmp_path):
    (tmp_path / "f").touch()
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "f", "f")

    with pytest.raises(SnowflakeError, match="holds no image"):
        _transport(tmp_path / "a.tar")


@pytest.mark.parametrize(
    ("link", "to", "target", "found"),
    [
        ("var/run", "/run", "/var/run/x", "run/x"),
        ("var/run", "../other", "/var/run/x", "other/x"),
        ("out", "../../../..", "/out/etc/x", "etc/x"),
        ("loop", "loop", "/loop/x", "loop/x"),
    ],
)
def test_an_images_links_do_not_lead_out_of_its_root(tmp_path, link, to, target, found):
    at = tmp_path / link
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(to)

    assert enter._inside(tmp_path, target) == tmp_path / found
