"""A model is unpickled when everything that its manifest says holds, and never before."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sf_ml_framework.errors import DataError, ModelError
from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec
from sf_ml_framework.values.models import feature_names_of
from sf_ml_framework.values.pickles import StrangePickleError, names_in, unpickled
from tests.unit.local.model_classes import Scorer, Sulking

MODEL = DatasetSpec(name="churn_model", kind="model", version="v1")


class Touch:
    """Unpickling one makes a file: the proof that something was unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


@pytest.fixture
def file(root):
    return root / "data/churn_model/v1.pkl"


@pytest.fixture
def proof(tmp_path):
    return tmp_path / "unpickled"


def rewrite(file, change):
    """Change the manifest beside *file* and make it fit the bytes again."""
    sidecar = file.with_name(file.name + ".manifest.json")
    known = json.loads(sidecar.read_text())
    change(known)
    sidecar.write_text(json.dumps(known))


def vouch(file):
    """Forge the hash and size of *file* in its manifest."""
    from hashlib import sha256

    def change(known):
        data = file.read_bytes()
        digest = sha256(data).hexdigest()
        known["content"] = digest
        known["files"][0] |= {"bytes": len(data), "sha256": digest}

    rewrite(file, change)


def test_a_model_is_loaded_back(place, open_place):
    model = Scorer([1.0, 2.0], ["tenure", "spend"])

    saved = place.save(MODEL, "v1", model)

    loaded = open_place().load(MODEL, "v1", frame="model")
    assert loaded.score([1, 2]) == 5.0
    assert saved.location == "data/churn_model/v1.pkl"
    assert open_place().find(MODEL, "v1") == saved
    assert open_place().load(MODEL, "v1", frame="any").weights.tolist() == [1.0, 2.0]


def test_the_manifest_tells_what_the_model_is(place, file):
    place.save(MODEL, "v1", Scorer([1.0], ["tenure"]))

    told = json.loads(file.with_name("v1.pkl.manifest.json").read_text())["model"]

    assert told["class_name"] == "tests.unit.local.model_classes:Scorer"
    assert told["feature_names"] == ["tenure"]
    assert told["libraries"] == {"numpy": np.__version__}
    assert told["python"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    assert "tests.unit.local.model_classes:Scorer" in told["names"]


def test_a_changed_byte_is_refused(place, file, proof):
    place.save(MODEL, "v1", Touch(proof))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)

    assert place.why_not_found(MODEL, "v1") == "damaged"
    with pytest.raises(ModelError, match="not unpickled") as caught:
        place.load(MODEL, "v1", frame="model")

    assert not proof.exists()
    assert "mlops run --from" in caught.value.remedy


def test_a_changed_byte_is_refused_though_size_and_time_are_those_of_then(place, file, proof):
    """Whoever unpickles does not trust the time of a file."""
    place.save(MODEL, "v1", Touch(proof))
    then = file.stat().st_mtime_ns - 10**10
    data = file.read_bytes()
    rewrite(file, lambda known: known["files"][0].update(mtime_ns=then))
    file.write_bytes(data.replace(b"touch", b"rmdir"))
    os.utime(file, ns=(then, then))

    assert place.find(MODEL, "v1") is not None
    with pytest.raises(ModelError, match="other bytes than were written; it was not unpickled"):
        place.load(MODEL, "v1", frame="model")

    assert not proof.exists()


def test_a_pickle_without_a_manifest_is_refused(place, file, proof):
    file.parent.mkdir(parents=True)
    file.write_bytes(pickle.dumps(Touch(proof)))

    assert place.find(MODEL, "v1") is None
    assert place.why_not_found(MODEL, "v1") == "damaged"
    with pytest.raises(ModelError, match=r"no manifest beside it; it was not unpickled"):
        place.load(MODEL, "v1", frame="model")
    with pytest.raises(ModelError):
        place.load(MODEL, "data/churn_model/v1.pkl", frame="model")

    assert not proof.exists()


def test_a_foreign_pickle_under_a_manifest_that_was_made_to_fit_is_refused(place, file, proof):
    """Its bytes are vouched for, what it imports is not."""
    place.save(MODEL, "v1", Scorer([1.0]))
    file.write_bytes(pickle.dumps(Touch(proof)))
    vouch(file)

    assert place.find(MODEL, "v1") is not None
    with pytest.raises(ModelError, match=r"imports .*for which its manifest does not vouch"):
        place.load(MODEL, "v1", frame="model")

    assert not proof.exists()


def test_a_manifest_that_is_silent_about_the_model_is_refused(place, file, proof):
    place.save(MODEL, "v1", Touch(proof))
    rewrite(file, lambda known: known.pop("model"))

    with pytest.raises(ModelError, match="says nothing of a model"):
        place.load(MODEL, "v1", frame="model")

    assert not proof.exists()


@pytest.mark.parametrize(
    ("of", "version", "fits"),
    [
        ("numpy", "1.0.0", False),
        ("numpy", ".".join(np.__version__.split(".")[:2]) + ".99", True),
        ("a-library-that-is-gone", "1.0.0", False),
        ("Python", "3.2.1", False),
        ("Python", f"{sys.version_info[0]}.{sys.version_info[1]}.99", True),
    ],
)
def test_a_model_of_another_series_of_a_library_is_refused(place, file, of, version, fits):
    place.save(MODEL, "v1", Scorer([1.0]))

    def change(known):
        if of == "Python":
            known["model"]["python"] = version
        else:
            known["model"]["libraries"][of] = version

    rewrite(file, change)

    if fits:
        assert place.load(MODEL, "v1", frame="model").score([1]) == 1.0
        return
    with pytest.raises(ModelError, match=f"was saved with {of} {version}, and here is") as caught:
        place.load(MODEL, "v1", frame="model")
    assert "train it again" in caught.value.remedy


def test_a_model_fitted_on_other_features_than_the_catalog_says_is_refused(place, proof):
    def promising(*names):
        columns = tuple(ColumnSpec(name=name, type="float") for name in names)
        return DatasetSpec(name="churn_model", kind="model", columns=columns)

    place.save(MODEL, "v1", Scorer([1.0, 2.0], ["tenure", "spend"]))

    assert place.load(promising("tenure", "spend"), "v1", frame="model")
    with pytest.raises(ModelError, match="without age and with spend"):
        place.load(promising("tenure", "age"), "v1", frame="model")
    with pytest.raises(ModelError, match="in another order"):
        place.load(promising("spend", "tenure"), "v1", frame="model")
    with pytest.raises(DataError, match="other features"):
        place.save(promising("spend"), "v1", Scorer([1.0], ["tenure"]))


def test_what_cannot_be_pickled_is_not_saved(place, file):
    for value in (lambda: 1, (each for each in "x"), {"model": Sulking, "f": lambda: 1}):
        with pytest.raises(DataError, match="cannot be pickled") as caught:
            place.save(MODEL, "v1", value)
        assert caught.value.remedy

    assert not file.exists()


def test_a_class_of_the_script_itself_is_refused(root):
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from sf_ml_framework.manifest.model import DatasetSpec\n"
        "from sf_ml_framework.places.local.place import LocalPlace\n"
        "class Mine: pass\n"
        "spec = DatasetSpec(name='m', kind='model')\n"
        "LocalPlace(Path(sys.argv[1])).save(spec, 'v1', Mine())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], check=False, capture_output=True, text=True
    )

    assert "holds Mine, which only this script knows" in done.stderr


def test_a_model_is_given_as_nothing_else(place):
    place.save(MODEL, "v1", Scorer([1.0]))

    for frame in ("pandas", "ibis", "document"):
        with pytest.raises(DataError, match=f"is a model, and cannot be given as a {frame}"):
            place.load(MODEL, "v1", frame=frame)


def test_a_missing_model_is_missing(place):
    assert place.why_not_found(MODEL, "v1") == "missing"
    with pytest.raises(DataError, match="is missing"):
        place.load(MODEL, "v1", frame="model")


def test_names_of_features_are_taken_wherever_a_model_keeps_them():
    class Named:
        feature_names = ("a", "b")

    assert feature_names_of({"model": 1, "feature_names": ["a"]}) == ("a",)
    assert feature_names_of(Named()) == ("a", "b")
    assert feature_names_of(Sulking()) == ()
    assert feature_names_of({"feature_names": 3}) == ()
    assert feature_names_of(7) == ()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_a_pickle_imports_is_what_python_would_import(protocol):
    value = [Scorer([1.0], ["a"]), Path("x"), {1, 2}, Scorer, np.float64(1), print, pickle.dumps]

    class Recording(pickle.Unpickler):
        def find_class(self, module, name):
            found.add(f"{module}:{name}")
            return super().find_class(module, name)

    import io

    found = set()
    pickled = pickle.dumps(value, protocol=protocol)
    Recording(io.BytesIO(pickled)).load()

    assert names_in(pickled) == found


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x8c\x08builtins\x8c\x04list00\x93.",
        b"\x80\x04\x8c\x02os\x8c\x04syst\x8c\x02emcbuiltins\nstr\n\x93.",
        b"\x80\x04\x95\x00",
        b"no pickle",
        b"",
        b"\x80\x02\x82\x01.",
        b"Pname\n.",
    ],
    ids=["popped", "computed", "cut", "text", "empty", "extension", "persistent"],
)
def test_a_pickle_whose_imports_cannot_be_told_is_strange(pickled):
    with pytest.raises(StrangePickleError):
        names_in(pickled)


def test_an_unpickler_imports_nothing_that_was_not_announced(proof):
    with pytest.raises(StrangePickleError, match="not announced"):
        unpickled(pickle.dumps(Touch(proof)), ["builtins:list"])

    assert not proof.exists()


def test_an_xgboost_model_survives_with_its_features(place, open_place):
    xgboost = pytest.importorskip("xgboost")
    import pandas as pd

    rows = pd.DataFrame({"a": [0.0, 1.0, 0.0, 1.0], "b": [1.0, 1.0, 0.0, 0.0]})
    model = xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(rows, [0, 1, 0, 1])

    saved = place.save(MODEL, "v1", model)

    loaded = open_place().load(MODEL, "v1", frame="model")
    assert loaded.predict_proba(rows).tolist() == model.predict_proba(rows).tolist()
    assert feature_names_of(loaded) == ("a", "b")
    assert place.save(MODEL, "v1", model).content == saved.content
