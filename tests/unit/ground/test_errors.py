import pickle

import pytest

from sf_ml_framework.errors import (
    Fault,
    ManifestError,
    NodeError,
    UnknownNameError,
    nearest,
)


@pytest.mark.parametrize(
    "error",
    [
        UnknownNameError(kind="node", name="trian", known=["train", "split"]),
        NodeError(
            "it broke", node="train", kind="ValueError", trace="Traceback …", remedy="mend it"
        ),
        ManifestError([Fault(message="a", remedy="b", place="c.py:1")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_a_process_border(error):
    back = pickle.loads(pickle.dumps(error))

    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_the_remedy_for_a_mistyped_name_is_the_nearest_one():
    error = UnknownNameError(
        kind="node", name="trian_model", known=["train_model", "evaluate_model"]
    )

    assert str(error) == "no node is named 'trian_model'"
    assert error.remedy == "did you mean 'train_model'?"


def test_with_nothing_near_all_names_are_shown():
    assert nearest("zzz", ["split", "train"]) == "known: split, train"
    assert nearest("zzz", []) == "there are none"


def test_a_manifest_error_lists_every_fault_with_its_place():
    error = ManifestError(
        [Fault(message="one", remedy="mend", place="a.py:3"), Fault(message="two")]
    )

    assert str(error) == "the pipeline has 2 faults:\n  a.py:3: one (mend)\n  two"
    assert error.exit_code == 2
