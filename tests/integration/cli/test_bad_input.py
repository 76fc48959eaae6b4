"""What a person gets wrong, or the machine, is answered in two lines; nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess

import pytest

from tests.integration.cli.shop import Shop, until


def answered(done, code: int) -> tuple[str, str]:
    """Return what and remedy of a command that must have been refused in two lines."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    error, _, remedy = done.stderr.removeprefix("error: ").rstrip("\n").partition("\n  remedy: ")
    assert done.stderr.startswith("error: ")
    assert remedy
    assert "\n" not in remedy
    return error, remedy


@pytest.mark.parametrize(
    ("words", "error", "remedy"),
    [
        (["run", "--from", "clean_order"], "no node is named 'clean_order'", "'clean_orders'?"),
        (["run", "--nodes", "judge,cuont_orders"], "no node is named 'cuont", "'count_orders'?"),
        (["exec", "jugde"], "no node is named 'jugde'", "did you mean 'judge'?"),
        (["why", "jugde"], "no node is named 'jugde'", "did you mean 'judge'?"),
        (["run", "--from", "judge", "--to", "make_orders"], "leaves no node to run", "mlops dag"),
        (["run", "--tags", "no-such-tag"], "leaves no node to run", "mlops dag"),
        (["run", "--inputs", "{count: 5}"], "--inputs is no JSON", "write a JSON object"),
        (["exec", "judge", "--inputs", "[1]"], "but no object", "write a JSON object"),
        (["run", "--inputs", '{"cuont": 5}'], "is named 'cuont'", "did you mean 'count'?"),
        (["run", "--params", "cpa=5"], "is named 'cpa'", "did you mean 'cap'?"),
        (["run", "--params", "cap"], "names no parameter and value", "--params name=value"),
        (["run", "--params", "count=many"], "'count' of 'make_orders' is", "asks for integer"),
        (["run", "--inputs", '{"label": 5}'], "'label' of 'judge' is 5", "asks for string"),
        (
            ["run", "--nodes", "clean_orders", "--inputs", '{"orders": "ordres@v1"}'],
            "no dataset is named 'ordres'",
            "did you mean 'orders'?",
        ),
        (["show", "nonsense"], "no run is named 'nonsense'", "known: "),
        (["diff", "last", "nonsense"], "no run is named 'nonsense'", "known: "),
    ],
)
def test_a_wrong_name_or_value_is_refused_before_anything_runs(ran, words, error, remedy):
    before = ran.ok("history", "--format", "json").stdout

    what, to_do = answered(ran.call(*words), 2)

    assert error in what
    assert remedy in to_do
    assert ran.ok("history", "--format", "json").stdout == before


def test_an_input_that_nobody_made_is_named_with_who_makes_it(shop):
    what, to_do = answered(shop.call("run", "--nodes", "judge"), 3)

    assert "cleaned@v1.0.0" in what
    assert "clean_orders" in to_do


def test_outside_a_project_the_way_to_name_one_is_told(tmp_path):
    what, to_do = answered(Shop(tmp_path / "a").call("list", cwd=tmp_path), 3)

    assert "is in no project" in what
    assert "--project DIR" in to_do


@pytest.mark.parametrize("order", [["--project", "{}", "list"], ["list", "--project={}"]])
def test_a_project_elsewhere_is_named_before_or_after_the_command(shop, tmp_path, order):
    words = [word.format(shop.root) for word in order]

    assert "make_orders" in shop.ok(*words, cwd=tmp_path).stdout


def test_a_project_can_be_named_by_the_environment(shop, tmp_path):
    named = {"MLOPS_PROJECT_DIR": str(shop.root)}

    assert "make_orders" in shop.ok("list", cwd=tmp_path, env=named).stdout


def test_a_run_of_a_project_elsewhere_resumes_elsewhere(shop, tmp_path):
    shop.change("shop/nodes.py", "min(price, cap)", "1 / 0")

    done = shop.call("run", "--project", str(shop.root), "--workers", "1", cwd=tmp_path)

    resume = done.stdout.splitlines()[-1]
    assert f"'--project={shop.root}'" in resume
    assert "--workers=1" in resume


def test_a_folder_below_the_project_is_in_it(shop):
    assert "make_orders" in shop.ok("list", cwd=shop.root / "shop").stdout


def test_a_project_that_is_not_there_is_named(shop):
    what, to_do = answered(shop.call("list", "--project", "no-such"), 3)

    assert what == "--project names 'no-such', and there is no such folder"
    assert "mlops.yml" in to_do


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("project: shop.pipeline:PROJECT\nlokal: {}\n", "lokal"),
        ("project: [\n", "is no YAML"),
        ("", "holds no settings"),
        ("project: shop.pipeline:PROJECT\nlocal: {workers: many}\n", "workers"),
    ],
)
def test_settings_that_cannot_be_are_told_with_their_file(shop, text, error):
    shop.write("mlops.yml", text)

    what, _ = answered(shop.call("list"), 3)

    assert "mlops.yml" in what
    assert error in what


def test_windows_line_ends_in_the_environment_file_do_no_harm(shop):
    (shop.root / ".env").write_bytes(b"MLOPS_DATA=daten\r\nMLOPS_DATA_FORMAT=parquet\r\n")

    shop.ok("run", "--nodes", "make_orders")

    assert (shop.root / "daten" / "orders" / "v1.0.0.json").exists()


@pytest.mark.parametrize("damage", [b"", b"SQLite format 3\0" + b"\xff" * 4096, b"no journal"])
def test_a_corrupt_journal_is_told_and_moved_aside(shop, damage):
    shop.ok("run")
    journal = shop.root / ".mlops" / "journal.db"
    for part in journal.parent.glob("journal.db-*"):
        part.unlink()
    journal.write_bytes(damage)
    if damage:
        for words in (["run"], ["history"], ["show", "last"]):
            what, to_do = answered(shop.call(*words), 3)
            assert "journal.db cannot be used" in what
            assert "mlops clean --journal" in to_do

    done = shop.ok("clean", "--journal")

    assert "moved the journal to .mlops/journal-1.db" in done.stderr
    assert (shop.root / ".mlops" / "journal-1.db").read_bytes() == damage
    assert shop.ran() == dict.fromkeys(
        ("make_orders", "clean_orders", "count_orders", "judge"), "succeeded"
    )


@pytest.fixture
def slow_run(shop):
    """A run that goes on until the test ends it, or makes the file ``go on``."""
    shop.change(
        "shop/nodes.py",
        'print("making"',
        'import pathlib, time\n    pathlib.Path("began").touch()\n'
        '    while not pathlib.Path("go on").exists(): time.sleep(0.02)\n    print("making"',
    )
    process = subprocess.Popen(
        shop.command("run", "--workers", "1"),
        cwd=shop.root,
        env=shop.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    # The first line is written when the run holds the lock and has been recorded; the node
    # that makes the orders says itself when it has begun.
    assert process.stdout.readline().startswith("run ")
    until((shop.root / "began").exists)
    yield process
    process.kill()
    process.communicate()


def test_of_two_runs_at_once_the_second_refuses_by_name(shop, slow_run):
    what, to_do = answered(shop.call("run"), 3)

    assert "another run is going on in this folder" in what
    assert f"process {slow_run.pid}" in what
    assert "--wait" in to_do


def test_a_second_run_that_may_wait_begins_when_the_first_has_ended(shop, slow_run):
    second = subprocess.Popen(
        shop.command("run", "--wait", "--format", "json"),
        cwd=shop.root,
        env=shop.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert second.stderr is not None
    told = second.stderr.readline()
    (shop.root / "go on").touch()
    out, _ = second.communicate(timeout=120)
    slow_run.wait(60)

    assert "waiting for another run: run " in told
    assert f"process {slow_run.pid}" in told
    assert (slow_run.returncode, second.returncode) == (0, 0)
    assert {node["status"] for node in json.loads(out)["nodes"]} == {"skipped"}


def test_nothing_is_cleaned_while_a_run_goes_on(shop, slow_run):
    what, _ = answered(shop.call("clean", "--all", "--yes"), 3)

    assert "another run is going on in this folder" in what
    assert (shop.root / ".mlops" / "journal.db").exists()


def test_ctrl_c_ends_a_run_with_a_summary_and_how_to_go_on(shop, slow_run):
    slow_run.send_signal(signal.SIGINT)

    out, err = slow_run.communicate(timeout=60)

    assert slow_run.returncode == 130
    assert "Traceback" not in out + err
    assert "3 not run" in out
    assert out.splitlines()[-1].startswith("resume   python -m sf_ml_framework run")
    assert shop.ok("history", "--format", "json").json[0]["status"] == "cancelled"


@pytest.fixture
def bound() -> list[str]:
    """What a command begins with so that permissions hold for it, even when root calls it."""
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and setpriv is not there to change that")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]


@pytest.fixture
def closed_shop(shop):
    """Opens, after the test, what it closed."""
    yield shop
    for folder in [shop.root, *(path for path in shop.root.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)


def _close(shop: Shop) -> None:
    for path in sorted(shop.root.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    shop.root.chmod(0o555)


def test_in_a_folder_that_cannot_be_written_one_can_read_but_not_run(closed_shop, bound):
    shop = closed_shop
    shop.ok("run")
    _close(shop)

    for words in (["list"], ["dag"], ["validate"], ["history"], ["show", "last"]):
        shop.ok(*words, before=bound)
    what, to_do = answered(shop.call("run", before=bound), 3)

    assert "cannot be locked" in what
    assert str(shop.root / ".mlops") in to_do


def test_a_project_that_never_ran_and_cannot_be_written_can_be_listed(closed_shop, bound):
    shop = closed_shop
    _close(shop)

    assert "make_orders" in shop.ok("list", before=bound).stdout


def test_data_that_cannot_be_written_fail_the_node_and_name_the_folder(closed_shop, bound):
    shop = closed_shop
    (shop.root / "data").mkdir()
    (shop.root / "data").chmod(0o555)
    shop.root.chmod(0o777)

    done = shop.call("run", before=bound)

    assert done.returncode == 3
    assert "data/orders/v1.0.0.json cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
