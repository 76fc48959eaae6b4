"""What a worker holds on to between two nodes."""

STEPS = """
import gc, weakref
from pathlib import Path


class Circle:
    def __init__(self, name):
        self.itself = self
        self.data = bytearray(b"x") * (300 * 2**20)
        weakref.finalize(self, Path(f"{name} freed").touch)


def first():
    Circle("first")
    return {"frozen": gc.get_freeze_count()}


def second(value):
    assert Path("first freed").exists()
    # Libraries are not searched again after each node.
    assert gc.get_freeze_count() > value["frozen"]
    Circle("second")
    return {}


def third(value):
    assert Path("second freed").exists()
    return {}
"""


def test_what_a_node_left_in_circles_is_freed_before_the_next_begins(project):
    project.source(STEPS)
    project.node("first", outputs="a")
    project.node("second", inputs={"value": "a"}, outputs="b")
    project.node("third", inputs={"value": "b"}, outputs="c")

    ran = project.run(workers=1)

    assert set(ran.statuses.values()) == {"succeeded"}, ran.nodes
