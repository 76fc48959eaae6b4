"""A small project as its author would write it: three nodes, and code that they reach."""

FILES = {
    "mlops.yml": "project: src.pipeline:PROJECT\n",
    "numbers.json": '{"values": [3, 1, 2, -5]}\n',
    "src/__init__.py": "",
    "src/pipeline.py": """\
from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project
from src.nodes.scale import scale
from src.nodes.judge import judge
from src.nodes.count import count

CATALOG = DataCatalog([
    Dataset(name="numbers", kind="document", path="numbers.json"),
    Dataset(name="scaled", kind="document"),
    Dataset(name="verdicts", kind="document"),
    Dataset(name="total", kind="document"),
])
PROJECT = Project(name="shop", catalog=CATALOG, pipeline=[
    NodeConfig(name="scale", function=scale, inputs={"numbers": "numbers"}, outputs="scaled",
               params={"factor": 2, "options": {"low": 0, "high": 9}}),
    NodeConfig(name="judge", function=judge, inputs={"scaled": "scaled"}, outputs="verdicts"),
    NodeConfig(name="count", function=count, inputs={"verdicts": "verdicts"}, outputs="total"),
])
""",
    "src/nodes/__init__.py": "",
    "src/nodes/scale.py": '''\
"""Scale the numbers."""

import functools

from src.tools import cleaning
from src.settings import OFFSET


@functools.lru_cache(maxsize=3)
def unused(x):
    return x + 1


def scale(numbers: dict, *, factor: int = 1, options: dict) -> dict:
    """Return every number, clean and scaled."""
    # Cleaning first, so that the offset is not cleaned away.
    result = [cleaning.clean(number) * factor + OFFSET for number in numbers["values"]]
    return {"values": [min(each, options["high"]) for each in result]}


if __name__ == "__main__":
    print(scale({"values": [1, 2]}, factor=2, options={"high": 9}))
''',
    "src/nodes/judge.py": """\
from src.rules import *
from src.kinds import Judge


def judge(scaled):
    judge = Judge(LIMIT)
    return {
        str(place): [rule.__name__ for rule in RULES if rule(each)] + [judge.of(each)]
        for place, each in enumerate(scaled["values"])
    }
""",
    "src/nodes/count.py": """\
def count(verdicts):
    import pricing

    return {"total": pricing.total(verdicts)}
""",
    "src/tools/__init__.py": "",
    "src/tools/cleaning.py": """\
from ..deep.signs import absolute as positive


def clean(number):
    return positive(number)


def also_unused(number):
    return number
""",
    "src/deep/__init__.py": "",
    "src/deep/signs.py": """\
def absolute(number):
    return abs(number)
""",
    "src/settings.py": "OFFSET = 1\nOTHER = 5\n",
    "src/rules.py": """\
RULES = []
LIMIT = 4


def rule(function):
    RULES.append(function)
    return function


@rule
def even(number):
    return number % 2 == 0
""",
    "src/kinds.py": """\
class Named:
    def name(self, high):
        return "high" if high else "low"


class Judge(Named):
    def __init__(self, limit):
        self.limit = limit

    def of(self, number):
        return self.name(number > self.limit)
""",
}

LIBRARY = {
    "pricing/__init__.py": "def total(verdicts):\n    return len(verdicts)\n",
    "pricing-1.0.0.dist-info/RECORD": "pricing/__init__.py,,\npricing-1.0.0.dist-info/RECORD,,\n",
}
