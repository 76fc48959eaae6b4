"""Containers and the server's own side: clock, orphans, tokens, images from outside.

These tests move the clock, kill servers and use routes that an account has not.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path as FilePath

import pytest
import snowflake.connector
from snowflake.connector.errors import DatabaseError

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.emulator.image_command import main as image_add
from sf_ml_framework.emulator.names import Path
from sf_ml_framework.emulator.services import pooling
from sf_ml_framework.emulator.services.running import Services
from tests.waiting import until

STEP = FilePath(__file__).parents[2] / "integration" / "emulator" / "images" / "step"
SPEC = """execute job service in compute pool p {options} from specification $$
spec:
  containers:
  - name: main
    image: /d/public/images/step:1
    args: [{args}]
{more}
$$"""


def ready(account):
    """Return a runner of statements in a database with a pool and the test image."""
    session = account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")

    def run(sql):
        return account.run(session, sql).rows

    run("create database if not exists d")
    run("use schema d.public")
    run(
        "create compute pool if not exists p min_nodes = 1 max_nodes = 2 "
        "instance_family = CPU_X64_XS auto_suspend_secs = 600"
    )
    run("create image repository if not exists images")
    return run


@pytest.fixture
def emulator():
    with Emulator() as started:
        yield started


@pytest.fixture
def run(emulator):
    call = ready(emulator.account)
    emulator.add_image("/d/public/images/step:1", project=STEP)
    return call


def job(*args, options="", more=""):
    return SPEC.format(options=options, args=", ".join(args), more=more)


def test_a_pool_starts_idles_suspends_and_wakes(emulator, run, monkeypatch):
    monkeypatch.setattr(pooling, "START_SECONDS", 60)

    def state():
        return run("describe compute pool p")[0][1]

    run("alter compute pool p suspend")
    run("alter compute pool p resume")
    states = [state()]
    emulator.account.clock.advance(61)
    states.append(state())
    emulator.account.clock.advance(600)
    states.append(state())
    run(job("sleep", "'60'", options="name = j async = true"))
    until(lambda: state() == "ACTIVE")
    run("alter compute pool p suspend")
    states.append(state())
    run("alter compute pool p stop all")
    until(lambda: state() == "SUSPENDED")

    assert states == ["STARTING", "IDLE", "SUSPENDED", "STOPPING"]


def test_a_suspended_pool_that_is_not_to_be_resumed_takes_no_job(run):
    run("alter compute pool p set auto_resume = false")
    run("alter compute pool p suspend")

    with pytest.raises(Exception, match="AUTO_RESUME is FALSE"):
        run(job("exit", "'0'"))


def test_jobs_wait_for_room_in_the_pool(run):
    big = "    resources: {requests: {cpu: 1}}"

    def start(name):
        run(job("sleep", "'60'", options=f"name = {name} async = true", more=big))

    def status(name):
        return run(f"describe service {name}")[0][1]

    start("one")
    start("two")
    until(lambda: [status("one"), status("two")] == ["RUNNING", "RUNNING"])
    start("three")
    assert status("three") == "PENDING"
    run("call one!spcs_cancel_job()")
    until(lambda: status("three") == "RUNNING")
    run("alter compute pool p stop all")


def test_a_container_that_ignores_sigterm_is_killed_after_the_grace_period(emulator, run):
    services = emulator.account.part(Services)
    services.grace_seconds = 0.5
    run(job("stubborn", "'60'", options="name = j async = true"))
    until(lambda: "ignoring" in str(run("select log from table(j!spcs_get_logs())")))
    started = time.monotonic()
    run("call j!spcs_cancel_job()")
    until(lambda: run("describe service j")[0][1] == "CANCELLED")

    assert time.monotonic() - started > 0.4
    assert run("show service containers in service j")[0][-1] == 128 + signal.SIGKILL


def test_the_token_is_renewed_expires_and_ends_with_the_job(emulator, run):
    run("create secret s type = generic_string secret_string = 'old'")
    more = "    secrets: [{snowflakeSecret: s, directoryPath: /keys}]"
    run(job("sleep", "'60'", options="name = j async = true", more=more))
    services = emulator.account.part(Services)
    live = services.of(Path("D", "PUBLIC", "J"))
    until(lambda: live.places)
    place = live.places[0]
    first = place.token_file.read_text()
    mode = place.token_file.stat().st_mode & 0o777
    run("alter secret s set secret_string = 'new'")
    emulator.account.clock.advance(301)
    until(lambda: place.token_file.read_text() != first)
    second = place.token_file.read_text()
    file = place.inside("/keys") / "secret_string"
    until(lambda: file.exists() and file.read_text() == "new")

    def login(token):
        more = {**emulator.connection, "authenticator": "oauth", "token": token}
        del more["password"], more["role"]
        with snowflake.connector.connect(**more) as opened:
            return opened.cursor().execute("select current_user()").fetchone()

    assert mode == file.stat().st_mode & 0o777 == 0o600
    assert login(first) == login(second) == ("J",)
    emulator.account.clock.advance(3400)
    with pytest.raises(DatabaseError):
        login(first)
    run("call j!spcs_cancel_job()")
    until(live.done.is_set)
    assert not place.root.exists()
    with pytest.raises(DatabaseError):
        login(second)


def test_a_job_is_forgotten_after_thirty_days(emulator, run):
    run(job("exit", "'0'", options="name = j"))
    emulator.account.clock.advance(31 * 86400)

    assert run("show services") == []
    run(job("exit", "'0'", options="name = j"))


def test_a_container_has_nothing_of_the_servers_environment(emulator, run, monkeypatch):
    """Its HOME is its own, too."""
    monkeypatch.setenv("SERVER_SECRET", "hush")
    monkeypatch.setenv("HOME", "/of-the-server")
    run(job("env", "SERVER_SECRET", "HOME", options="name = j"))
    (said,) = run("select system$get_service_logs('j', '0', 'main')")

    assert '"SERVER_SECRET": null' in said[0]
    assert '"HOME": "' in said[0]
    assert "/of-the-server" not in said[0]


def test_the_server_ends_within_five_seconds_with_its_containers():
    # A machine that does other things may take longer, but hardly three times.
    for _ in range(3):
        with Emulator() as emulator:
            call = ready(emulator.account)
            emulator.add_image("/d/public/images/step:1", project=STEP)
            call(job("stubborn", "'60'", options="name = j async = true"))
            until(lambda call=call: call("describe service j")[0][1] == "RUNNING")
            pid = until(lambda emulator=emulator: _pid(emulator))
            started = time.monotonic()
        took = time.monotonic() - started
        until(lambda pid=pid: not _alive(pid))
        if took < 5:
            break

    assert took < 5


def _pid(emulator):
    entry = emulator.account.catalog.get("SERVICE", Path("D", "PUBLIC", "J"))
    return entry.properties["instances"][0]["containers"]["main"].get("pid")


def _alive(pid):
    try:
        text = FilePath(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def test_what_a_killed_server_left_is_ended_by_the_next(tmp_path):
    program = [sys.executable, "-m", "sf_ml_framework.emulator", "--state", str(tmp_path)]
    server = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().split()[3]
        cursor = _connect(url).cursor()
        for sql in (
            "create database d",
            "create compute pool p min_nodes = 1 max_nodes = 1 instance_family = CPU_X64_XS",
            "create image repository images",
        ):
            cursor.execute(sql)
        arguments = ["/d/public/images/step:1", "--project", str(STEP), "--url", url]
        assert image_add(arguments) == 0
        assert image_add([*arguments[:2], str(STEP), "--url", url, "--password", "wrong"]) == 1
        cursor.execute(job("sleep", "'300'", options="name = j async = true"))
        until(lambda: cursor.execute("describe service j").fetchone()[1] == "RUNNING")
        until(lambda: _sleeping(tmp_path))
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()
        server.stdout.close()
    assert _sleeping(tmp_path)
    assert (
        image_add(["/d/public/images/other:2", "--project", str(STEP), "--state", str(tmp_path)])
        == 0
    )
    with Emulator(state=tmp_path) as again:
        call = ready(again.account)
        until(lambda: not _sleeping(tmp_path))
        (row,) = call("describe service j")
        history = call("select status from table(snowflake.spcs.get_job_history())")
        images = [one[1] for one in call("show images in image repository images")]

    assert row[1] == "FAILED"
    assert history == [("FAILED",)]
    assert images == ["other", "step"]


def _connect(url):
    host, port = url.removeprefix("http://").split(":")
    return snowflake.connector.connect(
        account="emulator",
        user="mlops",
        password="mlops",
        host=host,
        port=int(port),
        protocol="http",
        warehouse="COMPUTE_WH",
        role="ACCOUNTADMIN",
        network_timeout=60,
    )


def _sleeping(state):
    """Return the processes that have the state directory in their environment."""
    found = []
    for folder in FilePath("/proc").iterdir():
        if folder.name.isdigit() and _alive(folder.name):
            try:
                if f"EMULATOR_CONTAINER_ROOT={state}".encode() in (folder / "environ").read_bytes():
                    found.append(folder.name)
            except OSError:
                continue
    return found


def test_the_commands_of_images_refuse_what_is_wrong(tmp_path, capsys):
    wrong = ["/d/public/images/step:1", "--project", str(STEP)]

    assert image_add([*wrong, "--state", str(tmp_path / "s")]) == 1
    assert "does not exist" in capsys.readouterr().err
    assert image_add([*wrong, "--url", "http://127.0.0.1:9"]) == 1
    assert image_add([*wrong, "--url", "file:///etc/passwd"]) == 1
