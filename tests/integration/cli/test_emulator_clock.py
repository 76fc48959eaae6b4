"""The clock of a server that ``mlops emulator start --control`` started."""

import json
import time
import urllib.error
import urllib.request

import pytest

pytest.importorskip("fakesnow")

from tests.integration.cli.emulator_client import connected


def ask(url, body=None, kind="application/json", **headers):
    """Send a request to the clock; return status and answer."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{url}/emulator/clock", data=data, headers={"Content-Type": kind, **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_the_clock_is_moved_forward_alone(place):
    _, started = place
    url = started["url"]
    _, before = ask(url)
    moved, after = ask(url, {"advance_seconds": 3600})
    back, refused = ask(url, {"advance_seconds": -1})
    past, _ = ask(url, {"advance_to": "2020-01-01T00:00:00Z"})

    assert moved == 200
    assert 3600 <= after["ahead_seconds"] - before["ahead_seconds"] < 3601
    assert (back, past) == (400, 400)
    assert "forward" in refused["message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"advance_seconds": "1"},
        {"advance_seconds": True},
        {"advance_seconds": 1e300},
        {"advance_seconds": 1, "advance_to": "2030-01-01T00:00:00Z"},
        {"advance_to": "tomorrow"},
        {"advance_to": "2030-01-01T00:00:00"},
        b"{",
        b'{"advance_seconds": NaN}',
    ],
)
def test_a_step_that_is_none_is_refused(place, body):
    _, started = place

    status, answer = ask(started["url"], b"null" if body is None else body)

    assert status == 400
    assert answer["message"]


def test_the_clock_is_not_moved_by_a_page_or_by_another_name(place):
    _, started = place
    step = {"advance_seconds": 1}

    assert ask(started["url"], step, kind="text/plain")[0] == 415
    assert ask(started["url"], step, Host="evil.example")[0] == 403


def test_the_clock_is_not_there_without_control(idle):
    url = idle.ok("emulator", "start", "--in-memory", "--format", "json").json["url"]
    status, answer = ask(url, {"advance_seconds": 1})

    assert status == 404
    assert "--control" in answer["message"]


def test_a_schedule_becomes_due_by_the_clock(place):
    shop, started = place
    with connected(shop) as cursor:
        run = cursor.execute
        run("create database clocked")
        run("create table ran (moment timestamp_ltz)")
        run(
            "create task hourly warehouse = compute_wh schedule = '60 minutes' "
            "as insert into ran select current_timestamp()"
        )
        run("alter task hourly resume")
        ask(started["url"], {"advance_seconds": 3700})

        end = time.monotonic() + 20
        while not run("select count(*) from ran").fetchone()[0]:
            assert time.monotonic() < end, "the task did not run"
            time.sleep(0.1)
