"""A project is imported by name, and not again while its files are the same."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PIPELINE = """
    import json
    from shop import nodes
    from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project
    PROJECT = Project(
        name="shop",
        pipeline=[NodeConfig(name="make", function=nodes.make, outputs="raw")],
        catalog=DataCatalog([Dataset(name="raw")]),
    )
"""

ASK = """
import json, sys
from pathlib import Path
from sf_ml_framework.errors import FrameworkError
from sf_ml_framework.manifest.load import compiled
try:
    manifest = compiled(Path(sys.argv[1]), "shop.pipeline:PROJECT")
    answer = {"nodes": {node.name: node.params for node in manifest.nodes}}
except FrameworkError as error:
    answer = {"error": str(error)}
print(json.dumps({**answer, "imported": "shop.nodes" in sys.modules}))
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "a shöp"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "nodes.py").write_text("def make(rows: int = 1): ...\n")
    (folder / "shop" / "pipeline.py").write_text(textwrap.dedent(PIPELINE))
    return folder


def ask(project: Path):
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(project)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_a_project_is_imported_once_and_then_read(project):
    first, second = ask(project), ask(project)

    assert first == {"nodes": {"make": {"rows": 1}}, "imported": True}
    assert second == {"nodes": {"make": {"rows": 1}}, "imported": False}


def test_a_changed_file_is_read_anew(project):
    ask(project)
    (project / "shop" / "nodes.py").write_text("def make(rows: int = 2): ...\n")

    assert ask(project) == {"nodes": {"make": {"rows": 2}}, "imported": True}


@pytest.mark.parametrize("damage", ["", "{}", '{"scheme": 1', "\0"])
def test_a_damaged_kept_manifest_is_built_anew(project, damage):
    ask(project)
    (project / ".mlops" / "manifest.json").write_text(damage)

    assert ask(project)["imported"] is True


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nowhere_to_be_found", "shop/nodes.py:1: shop.pipeline cannot be imported"),
        ("x = 1\n1 / 0", "shop/nodes.py:2: shop.pipeline cannot be imported: ZeroDivisionError"),
        ("def make(:", "shop/nodes.py:1: shop.pipeline cannot be imported: SyntaxError"),
    ],
)
def test_a_project_that_cannot_be_imported_is_told_at_its_line(project, source, told):
    (project / "shop" / "nodes.py").write_text(source)

    assert told in ask(project)["error"]


def test_a_name_that_is_no_project_names_what_there_is(project):
    file = project / "shop" / "pipeline.py"
    file.write_text(file.read_text().replace("PROJECT =", "PROJEKT ="))

    assert "did you mean 'PROJEKT'?" in ask(project)["error"]
