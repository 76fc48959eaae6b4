"""The reference page names every field that is written or printed."""

import re
from pathlib import Path

import msgspec
import pytest

from sf_ml_framework.cli import shapes
from sf_ml_framework.places.local.layout import SIDECAR
from sf_ml_framework.places.local.sidecar import Sidecar, StoredFile
from sf_ml_framework.run.records import NodeRun, Reason, RunRecord, Saved
from sf_ml_framework.values.columns import StoredColumn
from sf_ml_framework.values.models import StoredModel

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "files-and-json.md"
RUN = RunRecord(run_id="r", project="p", status="failed", started="")
NODE = NodeRun(
    run_id="r",
    node="n",
    status="failed",
    reason=Reason(kind="first_run"),
    inputs=(Saved(dataset="d", version="v", content="c"),),
    error="no",
)


def told_in(title):
    """Return the words in code of one part of the page."""
    text = PAGE.read_text(encoding="utf-8")
    part = text[text.index(title) :]
    end = re.search(r"\n(?:## |\*\*)", part[3:])
    return set(re.findall(r"`(\w+)`", part[: end.start() + 3 if end else None]))


@pytest.mark.parametrize("kind", [Sidecar, StoredFile, StoredColumn, StoredModel])
def test_every_field_beside_an_artifact_is_explained(kind):
    fields = {field.encode_name for field in msgspec.structs.fields(kind)}

    assert fields <= told_in("## Beside every artifact")
    assert SIDECAR in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("title", "printed"),
    [
        ("**A run**", shapes.run_document(RUN, [])),
        ("**A node of a run**", shapes.node_fields(NODE)),
        ("**A node of a run**", shapes.node_fields(NODE)["inputs"][0]),
        ("**A node of a run**", shapes.node_fields(NODE)["error"]),
        ("**A row of", shapes.history_fields(RUN, [NODE])),
    ],
)
def test_every_field_that_is_printed_is_explained(title, printed):
    assert set(printed) <= told_in(title)
