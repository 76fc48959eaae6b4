"""A process that was told to stop and does not; each in a process of its own."""

import signal
import sys

import pytest

from tests.waiting import SECONDS

PROGRAM = """
import sys
import time

from sf_ml_framework.container.grace import Grace
from sf_ml_framework.run.interrupts import Stopped, stop_on_signals


def last_words(why):
    {words}
    print("recorded", why, flush=True)


with stop_on_signals():
    try:
        with Grace(last_words, seconds={seconds}):
            {node}
    except Stopped as stopped:
        print("clean", stopped, flush=True)
        sys.exit(143)
print("went on", flush=True)
"""
STUBBORN = """
            said = False
            while True:
                try:
                    if not said:
                        said = True
                        print("begun", flush=True)
                    time.sleep(600)
                except BaseException:
                    continue
"""
IN_A_LIBRARY = """
            import hashlib, os, signal, threading
            print("begun", flush=True)
            def send():
                # Once it has computed for a while it is in the one call below.
                while time.process_time() < 1:
                    time.sleep(0.01)
                os.kill(os.getpid(), signal.SIGTERM)
            threading.Thread(target=send, daemon=True).start()
            hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10**9)
"""
OBEDIENT = """
            print("begun", flush=True)
            time.sleep(600)
"""
QUICK = 'print("begun", flush=True)'


@pytest.fixture
def run(started):
    """Return what starts a node."""

    def call(node, *, seconds=0.2, words="pass"):
        text = PROGRAM.format(node=node.strip(), seconds=seconds, words=words)
        return started([sys.executable, "-c", text], "begun")

    return call


def rest_of(process):
    """Return what it still says, to its end; ``communicate`` loses what was read with a line."""
    said = process.stdout.read()
    process.wait(SECONDS)
    return said


def test_a_node_that_catches_everything_is_recorded_and_ended(run):
    process = run(STUBBORN)
    process.send_signal(signal.SIGTERM)

    said = rest_of(process)

    assert said == "recorded stopped by SIGTERM\n"
    assert process.returncode == 143


def test_a_node_in_one_long_call_of_a_library_is_recorded_and_ended(run):
    process = run(IN_A_LIBRARY)

    said = rest_of(process)

    assert said == "recorded stopped by SIGTERM\n"
    assert process.returncode == 143


def test_a_node_that_stops_by_itself_is_left_alone(run):
    process = run(OBEDIENT, seconds=20)
    process.send_signal(signal.SIGTERM)

    said = rest_of(process)

    assert said == "clean stopped by SIGTERM\n"
    assert process.returncode == 143


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_other_signals_have_their_own_codes(run, number, code):
    process = run(STUBBORN)
    process.send_signal(number)

    rest_of(process)

    assert process.returncode == code


def test_last_words_that_fail_do_not_keep_it_alive(run):
    process = run(STUBBORN, words="raise OSError('no network')")
    process.send_signal(signal.SIGTERM)

    assert rest_of(process) == ""
    assert process.returncode == 143


def test_without_a_signal_nothing_happens(run):
    process = run(QUICK)

    assert rest_of(process) == "went on\n"
    assert process.returncode == 0
