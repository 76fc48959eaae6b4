"""``mlops image``: what the programs that know images are told; here they only write it down."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sf_ml_framework.cli.app import main
from sf_ml_framework.emulator import Emulator
from tests.integration.cli.image_programs import DIGEST, PROGRAM, SNOW

GIT = shutil.which("git")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project with a Dockerfile, in a commit."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mlops.yml").write_text(
        "project: p:PROJECT\ntargets:\n  dev: {database: D, schema: S, role: ACCOUNTADMIN}\n"
    )
    (folder / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(folder)
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "one"],
    ):
        subprocess.run(["git", *words], check=True)
    return folder


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Put programs of these names on the PATH, before all others, and return what they are told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    git = Path(shutil.which("git"))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{git.parent}")
    # What this machine has besides git would be found as well.
    monkeypatch.setattr("shutil.which", lambda name: _in(folder, name))

    def make(*names):
        for name in names:
            file = folder / name
            file.write_text(SNOW if name == "snow" else PROGRAM)
            file.chmod(file.stat().st_mode | stat.S_IEXEC)
        return lambda: [
            json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()
        ]

    return make


def _in(folder, name):
    return str(folder / name) if (folder / name).exists() else None


def commit():
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_image_is_built_for_the_pools_and_named_after_the_commit(root, programs, capsys):
    told = programs("docker")

    assert main(["image", "build"]) == 0

    words, _ = told()[0]
    assert words[:2] == ["build", "--platform=linux/amd64"]
    assert f"--build-arg=COMMIT={commit()}" in words
    assert f"--tag=mlops_framework:{commit()[:12]}" in words
    assert capsys.readouterr().out == f"mlops_framework:{commit()[:12]}, 2.0 KiB\n"


def test_an_index_and_certificates_of_ones_own_are_mounted_and_no_argument(
    root, programs, tmp_path
):
    """An argument would stand in the image's history, with the password in it."""
    told = programs("docker")
    pip, ca = tmp_path / "pip.conf", tmp_path / "ca.pem"
    pip.write_text("[global]\nclient-cert = pa55.pem\n")
    ca.write_text("certificates")

    assert main(["image", "build", "--pip-config", str(pip), "--ca-file", str(ca)]) == 0

    words, _ = told()[0]
    assert f"--secret=id=pip,src={pip}" in words
    assert f"--secret=id=ca,src={ca}" in words
    assert not any("pa55" in word for word in words)


def test_a_file_of_certificates_that_is_not_there_is_told(root, programs, capsys):
    programs("docker")

    assert main(["image", "build", "--ca-file", "nowhere.pem"]) == 2
    assert "nowhere.pem" in capsys.readouterr().err


def test_files_that_differ_from_the_commit_are_not_passed_off_as_it(root, programs, capsys):
    told = programs("podman")
    (root / "Dockerfile").write_text("FROM other\n")

    assert main(["image", "build"]) == 3
    assert "commit them, or add --dirty" in capsys.readouterr().err
    assert main(["image", "build", "--dirty"]) == 0
    assert f"--tag=mlops_framework:{commit()[:12]}-dirty" in told()[0][0]


def test_git_that_takes_its_time_is_waited_for(root, programs, tmp_path, monkeypatch, capsys):
    """A status that is not known would be taken for a clean one."""
    programs("docker")
    slow = tmp_path / "bin" / "git"
    monkeypatch.setattr("sf_ml_framework.run.git.SECONDS", 0.0)
    slow.write_text(f'#!/bin/sh\n{sys.executable} -c pass\nexec {GIT} "$@"\n')
    slow.chmod(0o755)
    (root / "Dockerfile").write_text("FROM other\n")

    assert main(["image", "build", "--tag", "abc"]) == 3
    assert "commit them, or add --dirty" in capsys.readouterr().err


SEVERAL = "project: p:PROJECT\ntargets:\n  dev: {database: D, schema: S, role: ACCOUNTADMIN}\n"


def test_targets_that_agree_need_no_default_to_build(root, programs):
    told = programs("docker", "trivy")
    (root / "mlops.yml").write_text(f"{SEVERAL}  prod: {{extends: dev, database: P}}\n")

    assert main(["image", "build", "--dirty", "--tag", "abc"]) == 0
    assert main(["image", "scan", "--tag", "abc"]) == 0

    said = [words for words, _ in told()]
    assert "--tag=mlops_framework:abc" in said[0]
    assert said[-1][-1] == "mlops_framework:abc"


def test_targets_that_do_not_agree_need_a_default_to_build(root, programs, capsys):
    programs("docker")
    (root / "mlops.yml").write_text(f"{SEVERAL}  prod: {{extends: dev, image: courier}}\n")

    assert main(["image", "build", "--dirty", "--tag", "abc"]) == 3

    said = capsys.readouterr().err
    assert "courier, mlops_framework" in said
    assert "default_target" in said
    assert "--target" not in said


def test_without_a_program_that_builds_the_remedy_is_told(root, programs, capsys):
    programs()

    assert main(["image", "build"]) == 3
    assert "neither docker nor podman nor buildah" in capsys.readouterr().err


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as started:
        import snowflake.connector

        with snowflake.connector.connect(**started.connection) as connection:
            for sql in (
                "create database d",
                "create schema d.s",
                "create warehouse mlops_wh",
                "create image repository d.s.mlops_images",
            ):
                connection.cursor().execute(sql)
        yield started


@pytest.fixture
def connected(emulator, monkeypatch):
    for key in ("account", "user", "password", "host", "port", "protocol"):
        monkeypatch.setenv(f"SNOWFLAKE_{key.upper()}", str(emulator.connection[key]))
    monkeypatch.setenv("SNOWFLAKE_ROLE", "ACCOUNTADMIN")


@pytest.mark.usefixtures("connected")
def test_it_is_pushed_with_a_token_of_snow_that_no_line_shows(root, programs, capsys):
    told = programs("docker", "snow")

    assert main(["image", "push", "--tag", "abc"]) == 0

    calls = told()
    (login,) = [each for each in calls if each[0][0] == "login"]
    assert login[0][1:3] == ["--username=0sessiontoken", "--password-stdin"]
    assert json.loads(login[1])["token"] == "t0ken"
    assert calls[-1][0][0] == "push"
    assert calls[-1][0][1].endswith("/d/s/mlops_images/mlops_framework:abc")
    printed = capsys.readouterr()
    assert printed.out.strip().endswith(f"mlops_framework:abc@{DIGEST}")
    assert "t0ken" not in printed.out + printed.err


@pytest.mark.usefixtures("connected")
def test_a_target_that_calls_it_otherwise_is_pushed_what_was_built(root, programs, capsys):
    told = programs("docker", "snow")
    (root / "mlops.yml").write_text(
        "project: p:PROJECT\ndefault_target: dev\ntargets:\n"
        "  dev: {database: D, schema: S, role: ACCOUNTADMIN}\n"
        "  prod: {extends: dev, image: courier}\n"
    )

    assert main(["image", "build", "--dirty", "--tag", "abc"]) == 0
    assert main(["image", "push", "--target", "prod", "--tag", "abc"]) == 0

    built, tagged = (next(words for words, _ in told() if words[0] == verb)
                     for verb in ("build", "tag"))  # fmt: skip
    assert f"--tag={tagged[1]}" in built
    assert tagged[2].endswith("/mlops_images/courier:abc")


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("more", ["{extends: dev}", "{extends: dev, image: courier}"])
def test_without_a_default_the_target_of_the_line_says_what_is_pushed(root, programs, capsys, more):
    told = programs("docker", "snow")
    (root / "mlops.yml").write_text(f"{SEVERAL}  prod: {more}\n")
    name = "courier" if "courier" in more else "mlops_framework"

    assert main(["image", "push", "--target", "prod", "--tag", "abc"], program="mlops") == 0

    (tagged,) = (words for words, _ in told() if words[0] == "tag")
    assert tagged[1] == f"{name}:abc"
    assert tagged[2].endswith(f"/mlops_images/{name}:abc")
    assert "next: mlops deploy --tag abc --target prod\n" in capsys.readouterr().err


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("by", ["TOKEN", "TOKEN_FILE_PATH"])
def test_a_token_alone_signs_in_as_it_does_elsewhere(
    root, programs, emulator, tmp_path, monkeypatch, by
):
    """No authenticator beside it, and in a file as well."""
    import snowflake.connector

    told = programs("docker")
    with snowflake.connector.connect(**emulator.connection) as connection:
        cursor = connection.cursor(snowflake.connector.DictCursor)
        made = f"alter user {emulator.connection['user']} add programmatic access token {by}"
        (row,) = cursor.execute(f"{made} role_restriction = 'ACCOUNTADMIN'").fetchall()
    token = row["token_secret"]
    file = tmp_path / "token"
    file.write_text(token)
    monkeypatch.delenv("SNOWFLAKE_PASSWORD")
    monkeypatch.setenv(f"SNOWFLAKE_{by}", token if by == "TOKEN" else str(file))

    assert main(["image", "push", "--tag", "abc"]) == 0

    (login,) = [each for each in told() if each[0][0] == "login"]
    assert login[0][1] == f"--username={emulator.connection['user']}"
    assert login[1] == token


@pytest.mark.usefixtures("connected")
def test_who_cannot_sign_in_is_told_how(root, programs, capsys):
    programs("docker")

    assert main(["image", "push", "--tag", "abc"]) == 3
    assert "programmatic access token" in capsys.readouterr().err


@pytest.mark.usefixtures("connected")
def test_images_of_the_repository_are_listed(root, emulator, capsys):
    emulator.add_image("/d/s/mlops_images/mlops_framework:v1", project=root, entrypoint=["true"])

    assert main(["image", "ls", "--format", "json"]) == 0

    (row,) = json.loads(capsys.readouterr().out)
    assert (row["image"], row["tag"]) == ("mlops_framework", "v1")
    assert row["digest"].startswith("sha256:")


def test_a_scan_needs_trivy(root, programs, capsys):
    programs()

    assert main(["image", "scan"]) == 3
    assert "trivy is not on this machine" in capsys.readouterr().err
