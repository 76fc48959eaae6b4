"""The ways to start the program, and what a shell completes."""

import shutil
import subprocess
import sys

import pytest

from tests.integration.cli.shop import HOUSE, Shop

COMPLETES = {
    ("",): ["list", "run", "show"],
    ("ru",): ["run"],
    ("exec", "c"): ["clean_orders", "count_orders"],
    ("run", "--from", "ju"): ["judge"],
    ("run", "--nodes", "judge,co"): ["judge,count_orders"],
    ("run", "--tags", ""): ["data"],
    ("run", "--fo"): ["--force", "--format"],
    ("list", "--format", "j"): ["json"],
}


def clone(tmp_path) -> Shop:
    """Return a project as one finds it in a fresh clone: the house stands beside it."""
    shop = Shop(tmp_path / "ein Klon", package="src")
    shutil.copy(HOUSE / "main.py", shop.root / "main.py")
    (shop.root / "sf_ml_framework").symlink_to(HOUSE / "sf_ml_framework")
    return shop


def test_main_py_is_the_same_program_from_any_folder(tmp_path):
    shop = clone(tmp_path)
    plain = {key: value for key, value in shop.environment().items() if key != "PYTHONPATH"}

    for cwd in (shop.root, tmp_path, shop.root / "src"):
        done = subprocess.run(
            [sys.executable, str(shop.root / "main.py"), "list"],
            cwd=cwd,
            env=plain,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "make_orders" in done.stdout


def test_main_py_runs_and_says_how_to_type_it_again(tmp_path):
    shop = clone(tmp_path)
    shop.change("src/nodes.py", "min(price, cap)", "1 / 0")
    plain = {key: value for key, value in shop.environment().items() if key != "PYTHONPATH"}

    done = subprocess.run(
        [sys.executable, "main.py", "run"],
        cwd=shop.root,
        env=plain,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1].startswith("resume   python main.py run")
    assert "ZeroDivisionError" in done.stderr


def test_another_program_name_is_told_in_help_and_faults(tmp_path):
    shop = clone(tmp_path)

    done = subprocess.run(
        [sys.executable, "main.py", "list", "--formt"],
        cwd=shop.root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.startswith("error: python main.py list has no option '--formt'")


def test_a_reader_that_goes_away_is_no_fault_of_ours(ran):
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -1', "-", *ran.command("dag")],
        cwd=ran.root,
        env=ran.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr


@pytest.mark.parametrize(("words", "found"), COMPLETES.items(), ids=" ".join)
def test_a_shell_completes_commands_options_nodes_and_tags(ran, words, found):
    asked = {
        "_MLOPS_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["mlops", *words]),
        "COMP_CWORD": str(len(words)),
    }

    done = ran.ok(env=asked)

    values = {line.partition(",")[2] for line in done.stdout.splitlines()}
    assert set(found) <= values
    assert done.stderr == ""


def test_runs_are_completed_too(ran):
    run = ran.ok("show", "last", "--format", "json").json["run"]
    asked = {
        "_MLOPS_COMPLETE": "bash_complete",
        "COMP_WORDS": f"mlops show {run[:8]}",
        "COMP_CWORD": "2",
    }

    assert f"plain,{run}" in ran.ok(env=asked).stdout.splitlines()


def test_outside_a_project_nothing_is_completed_and_nothing_said(ran, tmp_path):
    asked = {
        "_MLOPS_COMPLETE": "bash_complete",
        "COMP_WORDS": "mlops exec c",
        "COMP_CWORD": "2",
    }

    done = ran.ok(cwd=tmp_path, env=asked)

    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(ran, shell):
    script = ran.ok("completion", shell).stdout

    assert f"_MLOPS_COMPLETE={shell}_complete" in script
    assert "mlops" in script


def test_bash_accepts_the_script(ran):
    script = ran.ok("completion", env={"SHELL": "/bin/bash"}).stdout

    done = subprocess.run(
        ["bash", "-c", f"{script}\ncomplete -p mlops"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "_mlops_completion" in done.stdout


def test_a_shell_that_cannot_be_completed_is_told(ran):
    done = ran.call("completion", env={"SHELL": "/bin/tcsh"})

    assert done.returncode == 2
    assert "tcsh cannot be completed" in done.stderr
