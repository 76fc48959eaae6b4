import socket

import pytest

from sf_ml_framework.run.messages import Channel, Job, Ready
from sf_ml_framework.run.outcome import Failure, Outcome
from sf_ml_framework.run.records import Saved
from tests.integration.run.running import Project


@pytest.fixture
def ends():
    left, right = (Channel(end) for end in socket.socketpair())
    yield left, right
    left.close()
    right.close()


def test_every_message_comes_out_as_it_went_in(ends, tmp_path):
    project = Project(tmp_path)
    project.node("a", inputs={"x": "dx"}, outputs="dy", params={"k": [1, {"é": None}]})
    from sf_ml_framework.run.bindings import bind
    from sf_ml_framework.run.overrides import Overrides

    manifest = project.manifest
    sent = [
        Ready(),
        Job(
            run_id="r",
            commit="",
            node=manifest.node("a"),
            bindings=bind(manifest, ["a"], Overrides())["a"],
            datasets=manifest.datasets,
            log="/tmp/ä b.log",
        ),
        Outcome(outputs=(Saved(dataset="dy", version="v1", content="00"),), metrics={"auc": 0.5}),
        Failure(error="no", trace="Traceback\n…"),
    ]

    for message in sent:
        ends[0].send(message)

    received = []
    while len(received) < len(sent):
        received += ends[1].receive()
    assert received == sent


def test_a_message_larger_than_one_read_is_put_together(ends):
    large = Failure(error="x" * 3_000_000)
    ends[0].socket.settimeout(30)

    from threading import Thread

    sender = Thread(target=ends[0].send, args=(large,))
    sender.start()
    received = []
    while not received:
        received += ends[1].receive()
    sender.join()

    assert received == [large]


def test_nothing_said_is_told_apart_from_an_end_that_is_gone(ends):
    assert ends[1].receive(wait=False) == []

    ends[0].close()

    assert ends[1].receive(wait=False) is None
