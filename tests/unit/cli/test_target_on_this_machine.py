"""``--target`` where nothing leads to an account: it is not passed over without a word."""

from __future__ import annotations

import json

import pytest

from sf_ml_framework.cli.app import main

PIPELINE = """\
from sf_ml_framework import DataCatalog, NodeConfig, Project


def load() -> None: ...


PROJECT = Project(
    name="shop", pipeline=[NodeConfig(name="load", function=load)], catalog=DataCatalog([])
)
"""
TOLD = (
    "--target prod is for an account; this works on this machine:"
    " add --connection NAME or --mode snowflake\n"
)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project, and a connection at home that no command of it asks for."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "connections.toml").write_text('[default]\naccount = "org-acc"\nuser = "u"\n')
    (home / "connections.toml").chmod(0o600)
    monkeypatch.setenv("SNOWFLAKE_HOME", str(home))
    (tmp_path / "pipeline_of_here.py").write_text(PIPELINE)
    (tmp_path / "mlops.yml").write_text(
        "project: pipeline_of_here:PROJECT\ndefault_target: dev\n"
        "targets: {dev: {database: D}, prod: {database: P}}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize("mode", [[], ["--mode", "local"]])
def test_a_target_is_told_to_be_for_an_account(capsys, mode):
    assert main(["history", "--target", "prod", "--format", "json", *mode]) == 0

    out, err = capsys.readouterr()
    assert json.loads(out) == []
    assert err == TOLD


def test_a_name_that_is_no_target_is_refused(capsys):
    assert main(["run", "--target", "prdo"]) == 2

    err = capsys.readouterr().err
    assert "no target is named 'prdo'" in err
    assert "prod" in err
    assert "--mode snowflake" in err


def test_what_a_run_costs_in_a_target_is_estimated_here_too(capsys):
    assert main(["cost", "estimate", "--target", "prod", "--format", "json"]) == 0

    out, err = capsys.readouterr()
    assert json.loads(out)["target"] == "prod"
    assert "is for an account" not in err


def test_without_a_target_nothing_is_said(capsys):
    assert main(["history", "--format", "json"]) == 0

    assert capsys.readouterr().err == ""
