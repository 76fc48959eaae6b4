from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from src.modelling import attributions, curves
from src.modelling.curves import Judged
from src.modelling.drawing import Headline
from src.modelling.explain import Explanation
from src.modelling.scores import scores_of

LARGEST = 300_000


@pytest.fixture
def every_figure(trained, report):
    return {**trained["report"].figures, **report.figures}


def test_every_picture_is_a_small_whole_svg(every_figure):
    for caption, picture in every_figure.items():
        assert picture.startswith("<svg"), caption
        assert ElementTree.fromstring(picture).tag.endswith("svg")
        assert len(picture) < LARGEST, caption


def test_no_picture_holds_a_date_or_asks_the_network(every_figure):
    """A date would change the bytes of an unchanged picture."""
    for picture in every_figure.values():
        assert "<dc:date>" not in picture
        assert '<image xlink:href="http' not in picture
        assert "<script" not in picture


def judged(labels, seed):
    scores = np.random.default_rng(seed).beta(1, 6, len(labels)) * 0.7 + 0.2 * labels
    return Judged(
        name="model",
        probabilities=scores,
        threshold=0.25,
        scores=scores_of(labels, scores, 0.25),
    )


def test_the_same_rows_give_the_same_bytes():
    labels = (np.arange(400) % 8 == 0) * 1

    one, other = (
        curves.roc(labels, [judged(labels, 1)], Headline("one", "rows")) for _ in range(2)
    )

    assert one == other


def test_many_rows_do_not_make_a_heavy_picture():
    labels = (np.arange(50_000) % 8 == 0) * 1
    model = judged(labels, 1)

    for picture in (
        curves.roc(labels, [model], Headline("", "")),
        curves.precision_recall(labels, [model], Headline("", "")),
        curves.thresholds(labels, model.probabilities, 0.25, Headline("", "")),
        curves.calibrated(labels, [model], Headline("", "")),
    ):
        assert len(picture) < LARGEST


def test_a_feature_that_never_varies_can_be_drawn():
    import pandas as pd

    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"constant": np.ones(50), "unknown": np.full(50, np.nan)})
    found = Explanation(
        rows=rows,
        values=np.column_stack([np.zeros(50), rng.normal(size=50)]),
        average=-2.0,
        margins=np.zeros(50),
    )

    assert attributions.shap_summary(found, Headline("", "")).startswith("<svg")
    assert attributions.one_customer(found, 0, headline=Headline("", "")).startswith("<svg")
