"""``mlops emulator``: a server in the background, through the program as a person calls it."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("fakesnow")

from tests.integration.cli.emulator_client import connected


def test_what_start_writes_lets_a_client_in(place):
    shop, started = place
    file = shop.root / ".mlops" / "connections.toml"

    assert started["state"] == "running"
    assert started["file"] == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with connected(shop) as cursor:
        assert cursor.execute("select current_user(), current_role()").fetchone() == (
            "MLOPS",
            "ACCOUNTADMIN",
        )


def test_the_lines_that_start_prints_are_read_by_a_shell(idle):
    started = idle.ok("emulator", "start", "--in-memory", "--quiet")
    script = started.stdout + "echo $SNOWFLAKE_HOST:$SNOWFLAKE_PORT $SNOWFLAKE_USER"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)

    (server,) = idle.ok("emulator", "status", "--format", "json").json
    assert done.stdout.split() == [server["url"].removeprefix("http://"), "mlops"]
    assert started.stderr == ""


def test_a_second_start_is_refused_and_says_where_the_first_is(place):
    shop, started = place

    again = shop.call("emulator", "start")

    assert again.returncode == 3
    assert f"runs already at {started['url']}" in again.stderr
    assert "remedy: use it, or end it: mlops emulator stop" in again.stderr


def test_status_tells_where_it_is_and_whether_it_runs(place, idle):
    shop, started = place

    (row,) = shop.ok("emulator", "status", "--format", "json").json
    none = idle.call("emulator", "status", "--format", "json")

    assert (row["state"], row["url"], row["pid"]) == ("running", started["url"], started["pid"])
    assert (none.returncode, none.json) == (3, [{"state": "stopped"}])


def test_stop_ends_it_within_five_seconds_whatever_runs_and_may_be_repeated(idle):
    idle.ok("emulator", "start", "--in-memory", "--write-connection")
    with connected(idle) as cursor:
        cursor.execute_async("select system$wait(60)")
    began = time.monotonic()
    stopped = idle.ok("emulator", "stop")
    took = time.monotonic() - began

    assert took < 5
    assert "stopped process" in stopped.stderr
    assert "no emulator of this project ran" in idle.ok("emulator", "stop").stderr


def test_a_server_that_does_not_listen_to_sigterm_is_killed(idle, tmp_path):
    """As one that hangs would be; a process of the test stands in for it."""
    from sf_ml_framework.cli.emulator_server import Server, ServerFolder, birth

    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", deaf + "; time.sleep(60)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        process.stdout.readline()
        folder = ServerFolder(idle.root / ".mlops")
        folder.path.mkdir(parents=True)
        born = birth(process.pid)
        server = Server(
            pid=process.pid, born=born, started="", state="", log=str(tmp_path / "log"), url="x"
        )
        folder._write(server)
        began = time.monotonic()
        folder.stop()

        assert time.monotonic() - began < 5
        assert process.wait(timeout=1) == -signal.SIGKILL


def test_a_file_that_a_dead_server_left_is_no_server(idle):
    started = idle.ok("emulator", "start", "--in-memory", "--format", "json").json
    os.kill(started["pid"], signal.SIGKILL)

    until_gone(started["pid"])
    assert idle.call("emulator", "status").returncode == 3
    assert idle.ok("emulator", "start", "--in-memory", "--format", "json").json["pid"]


def until_gone(pid):
    from sf_ml_framework.cli.emulator_server import birth

    end = time.monotonic() + 10
    while birth(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_process_that_only_has_the_number_of_a_server_is_left_alone(idle):
    folder = idle.root / ".mlops" / "emulator"
    folder.mkdir(parents=True)
    server = {"pid": os.getpid(), "born": "1", "started": "", "state": "", "log": "", "url": "x"}
    (folder / "server.json").write_text(json.dumps(server))

    assert idle.call("emulator", "status").returncode == 3
    assert "ran" in idle.ok("emulator", "stop").stderr


@pytest.mark.parametrize("text", ["", "{", '{"pid": "x"}', "[]"])
def test_a_file_that_cannot_be_read_is_no_server(idle, text):
    folder = idle.root / ".mlops" / "emulator"
    folder.mkdir(parents=True)
    (folder / "server.json").write_text(text)

    assert idle.call("emulator", "status").returncode == 3


def test_what_is_committed_is_kept_until_it_is_forgotten(idle):
    idle.ok("emulator", "start", "--write-connection")
    with connected(idle) as cursor:
        cursor.execute("create database kept")
    idle.ok("emulator", "stop")
    idle.ok("emulator", "start", "--write-connection")
    with connected(idle) as cursor:
        assert cursor.execute("show databases like 'KEPT'").fetchall()
    idle.ok("emulator", "stop", "--forget")

    assert not (idle.root / ".mlops" / "emulator" / "state").exists()


def test_two_starts_at_once_make_one_server(idle):
    words = idle.command("emulator", "start", "--in-memory")
    both = [
        subprocess.Popen(words, cwd=idle.root, env=idle.environment(), stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]

    assert sorted(process.wait(timeout=60) for process in both) == [0, 3]


def test_a_start_that_fails_says_why_and_leaves_nothing(idle, place):
    _, started = place
    port = started["url"].rpartition(":")[2]

    failed = idle.call("emulator", "start", "--port", port)
    late = idle.call("emulator", "start", "--in-memory", "--timeout", "0.1")

    assert failed.returncode == 3
    assert "ddress already in use" in failed.stderr
    assert "remedy: name another port" in failed.stderr
    assert "was not ready after 0.1 seconds" in late.stderr
    assert idle.call("emulator", "status").returncode == 3


def test_a_password_is_neither_shown_nor_on_a_command_line(idle):
    secret = "open-sesame-7"
    started = idle.ok(
        "emulator",
        "start",
        "--in-memory",
        "--write-connection",
        env={"MLOPS_EMULATOR_PASSWORD": secret},
    )
    (row,) = idle.ok("emulator", "status", "--format", "json").json
    line = Path(f"/proc/{row['pid']}/cmdline").read_text()

    shown = started.stdout + started.stderr + line
    assert secret not in shown + (idle.root / ".mlops/emulator/server.json").read_text()
    assert "SNOWFLAKE_PASSWORD=" not in started.stdout
    with connected(idle) as cursor:
        assert cursor.execute("select 1").fetchone() == (1,)
    with pytest.raises(Exception, match="Incorrect username or password"):
        contextlib.ExitStack().enter_context(connected(idle, password="mlops"))


def test_logs_tell_what_it_said(place):
    shop, started = place

    assert shop.ok("emulator", "logs").stdout.startswith(f"emulator ready at {started['url']}")
    assert shop.ok("emulator", "logs", "--format", "json").json["lines"]


def test_logs_before_any_start_are_refused(idle):
    done = idle.call("emulator", "logs")

    assert (done.returncode, "remedy: start it" in done.stderr) == (3, True)


def test_logs_are_followed_until_it_stops(idle):
    idle.ok("emulator", "start", "--in-memory")
    follower = subprocess.Popen(
        idle.command("emulator", "logs", "--follow"),
        cwd=idle.root,
        env=idle.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with follower:
        assert follower.stdout.readline().startswith("emulator ready at")
        idle.ok("emulator", "stop")
        assert follower.wait(timeout=10) == 0


def test_an_image_is_added_to_the_server_that_runs(place, tmp_path):
    shop, _ = place
    (tmp_path / "main.py").write_text("print('hi')")
    with connected(shop) as cursor:
        cursor.execute("create database if not exists imaged")
        cursor.execute("create image repository if not exists imaged.public.r")
        added = shop.ok(
            "emulator", "image", "add", "/imaged/public/r/one:1", "--project", str(tmp_path),
            "--entrypoint", "python main.py", "--format", "json",
        )  # fmt: skip
        images = cursor.execute("show images in image repository imaged.public.r").fetchall()

    assert added.json["reference"] == "/imaged/public/r/one:1"
    assert added.json["digest"].startswith("sha256:")
    assert [row[1] for row in images] == ["one"]


def test_an_image_that_cannot_be_added_says_why(place, idle):
    shop, _ = place
    nowhere = shop.call("emulator", "image", "add", "/no/such/r/one:1", "--project", ".")
    two = shop.call("emulator", "image", "add", "/a/b/c/d:1", "--project", ".", "--image", "x")
    stopped = idle.call("emulator", "image", "add", "/a/b/c/d:1", "--project", ".")

    assert (nowhere.returncode, "does not exist" in nowhere.stderr) == (3, True)
    assert (two.returncode, "give one of" in two.stderr) == (2, True)
    assert (stopped.returncode, "no emulator of this project runs" in stopped.stderr) == (3, True)


def test_another_entry_of_connections_toml_stays(idle):
    file = idle.root / ".mlops" / "connections.toml"
    file.parent.mkdir()
    file.write_text('[mine]\naccount = "a"\n\n[emulator]\nport = 1\n\n[last]\nuser = "u"\n')
    idle.ok("emulator", "start", "--in-memory", "--write-connection")
    found = tomllib.loads(file.read_text())

    assert found["mine"] == {"account": "a"}
    assert found["last"] == {"user": "u"}
    assert found["emulator"]["port"] > 1


def test_a_connections_toml_that_is_broken_is_left_as_it_was(idle):
    file = idle.root / "mine.toml"
    file.write_text("[mine\n")
    failed = idle.call("emulator", "start", "--in-memory", "--write-connection", str(file))

    assert failed.returncode == 3
    assert file.read_text() == "[mine\n"
    assert "mine.toml cannot be read" in failed.stderr
    assert idle.call("emulator", "status").returncode == 3


def test_clean_leaves_a_server_its_files(place):
    shop, started = place
    shop.ok("clean", "--all", "--yes")

    (row,) = shop.ok("emulator", "status", "--format", "json").json
    assert row["pid"] == started["pid"]
    assert (shop.root / ".mlops" / "connections.toml").exists()
