"""An imported name stands for the version of the distribution that holds it."""

import sys
from importlib import metadata

import pytest

from sf_ml_framework.run.libraries import ABSENT, Libraries


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def install(site, distribution, version, *files):
    """Lay down what an installer leaves: the files and the record of them."""
    for file in files:
        path = site / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    info = site / f"{distribution}-{version}.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    return info


def versions(site, *names, kept=None):
    libraries = Libraries(kept, [str(site)])
    found = libraries.versions(names)
    libraries.keep()
    return found


def test_a_distribution_of_another_name_is_found(site):
    install(site, "scikit_learn", "1.9.1", "sklearn/__init__.py", "sklearn/base.py")

    assert versions(site, "sklearn.base.clone") == {"scikit-learn": "1.9.1"}


def test_a_name_that_begins_alike_is_another(site):
    install(site, "pandas_stubs", "9", "pandas-stubs/__init__.pyi")
    install(site, "pandas", "2.3.3", "pandas/__init__.py")

    assert versions(site, "pandas") == {"pandas": "2.3.3"}


def test_a_single_file_and_a_compiled_one_are_found(site):
    install(site, "six", "1.17.0", "six.py")
    install(site, "Fast", "2.0", "quick.cpython-311-x86_64-linux-gnu.so")

    assert versions(site, "six", "quick.run") == {"six": "1.17.0", "fast": "2.0"}


def test_a_folder_that_several_distributions_share_is_told_apart(site):
    install(site, "snowflake_ml_python", "2.6.0", "snowflake/ml/__init__.py")
    install(site, "snowflake_connector_python", "4.8.1", "snowflake/connector/__init__.py")

    assert versions(site, "snowflake.ml.registry") == {"snowflake-ml-python": "2.6.0"}
    assert versions(site, "snowflake").keys() == {
        "snowflake-ml-python", "snowflake-connector-python",
    }  # fmt: skip


def test_an_editable_installation_is_found_by_its_name(site):
    install(site, "my_tools", "0.1.0", "my_tools.pth")

    assert versions(site, "my_tools.clean") == {"my-tools": "0.1.0"}


def test_modules_of_python_itself_have_no_version(site):
    assert versions(site, "math.floor", "os.path", "__future__", "sys") == {}


def test_a_library_that_is_not_there_says_so(site):
    assert versions(site, "nowhere.at_all") == {"nowhere": ABSENT}


def test_a_module_that_nobody_installed_counts_by_its_text(site):
    (site / "loose.py").write_text("x = 1\n")
    before = versions(site, "loose")
    (site / "loose.py").write_text("x = 2\n")

    assert before.keys() == {"loose"}
    assert versions(site, "loose") != before


def test_a_new_version_is_seen_although_owners_are_kept(site, tmp_path):
    kept = tmp_path / ".mlops" / "libraries.json"
    info = install(site, "tool", "1.0", "tool/__init__.py")
    before = versions(site, "tool", kept=kept)
    assert versions(site, "tool", kept=kept) == before
    info.rename(site / "tool-1.1.dist-info")

    assert before == {"tool": "1.0"}
    assert versions(site, "tool", kept=kept) == {"tool": "1.1"}


def test_kept_owners_that_make_no_sense_are_found_again(site, tmp_path):
    kept = tmp_path / "libraries.json"
    kept.write_text("[1, {")
    install(site, "tool", "1.0", "tool/__init__.py")

    assert versions(site, "tool", kept=kept) == {"tool": "1.0"}


def test_it_says_what_the_standard_library_says():
    names = ["pandas", "numpy", "sklearn", "ibis", "duckdb", "yaml", "xgboost", "PIL", "dateutil"]
    owners = metadata.packages_distributions()
    expected = {name.replace("_", "-").lower() for each in names for name in owners[each]}

    found = Libraries(None, sys.path).versions(names)

    assert found.keys() == expected
    assert all(metadata.version(name) == version for name, version in found.items())
