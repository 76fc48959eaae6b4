"""What is kept of the sources saves time and never tells a lie."""

import os


def test_kept_facts_give_the_same_fingerprint(sources):
    sources.write(
        node="from tools import trim\nimport numpy\nclass A:\n  x: int = numpy.nan\n"
        "@trim\ndef node(x):\n  import json\n  return trim(json, A)",
        tools="def trim(*x): return x",
    )
    state = sources.root / ".mlops"
    first = sources.of("node:node", state=state)

    assert (state / "code.json").exists()
    assert sources.of("node:node", state=state) == first == sources.of("node:node")


def test_a_file_of_the_same_size_and_time_is_read_again(sources):
    sources.write(node="def node(x): return x + 1")
    state = sources.root / ".mlops"
    before = sources.of("node:node", state=state)
    file = sources.root / "node.py"
    times = file.stat()
    sources.replace("node.py", "+ 1", "+ 2")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert sources.of("node:node", state=state).code != before.code


def test_a_module_that_becomes_a_package_is_read_again(sources):
    """Its text is the same, and ``from . import`` means another folder."""
    text = "from .near import f\ndef g(x): return f(x)\n"
    sources.file("src/node.py", "from src.tools import g\ndef node(x): return g(x)\n")
    sources.file("src/near.py", "def f(x): return 1\n")
    sources.file("src/tools.py", text)
    state = sources.root / ".mlops"
    assert "src.near:f" in sources.of("src.node:node", state=state).code
    (sources.root / "src/tools.py").unlink()
    sources.file("src/tools/__init__.py", text)
    sources.file("src/tools/near.py", "def f(x): return 2\n")

    assert "src.tools.near:f" in sources.of("src.node:node", state=state).code


def test_damaged_notes_cost_nothing_but_time(sources):
    sources.write(node="def node(x): return x")
    state = sources.root / ".mlops"
    before = sources.of("node:node", state=state)
    (state / "code.json").write_bytes(b"\xff\x00")

    assert sources.of("node:node", state=state) == before


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(sources):
    sources.write(node="def node(x): return x")
    sources.file(".mlops", "a file where the folder should be")

    assert sources.of("node:node", state=sources.root / ".mlops") == sources.of("node:node")
