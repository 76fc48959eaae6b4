"""What people call their projects, and the package that is made of it."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.scaffold.names import another, package_of, taken, why_not_package

NAMES = {
    "churn": "churn",
    "my-churn": "my_churn",
    "My Churn": "my_churn",
    "MyChurn": "my_churn",
    "HTTPLog2": "http_log2",
    "ALLCAPS": "allcaps",
    "Kündigung über Öl": "kuendigung_ueber_oel",
    "Ku\u0308che": "kueche",
    "café.v2": "cafe_v2",
    "  spaces  ": "spaces",
    "__x__": "x",
    "日本": "",
}


@pytest.mark.parametrize(("name", "package"), NAMES.items())
def test_a_name_becomes_a_package(name, package):
    assert package_of(name) == package


@given(st.text(max_size=40))
def test_a_package_of_any_text_is_one_or_is_refused_with_a_reason(text):
    package = package_of(text)

    assert why_not_package(package) or package.isidentifier()
    assert package_of(package) == package


@pytest.mark.parametrize(
    ("package", "why"),
    [
        ("class", "word of Python"),
        ("json", "module of that name"),
        ("pandas", "module of that name"),
        ("sf_ml_framework", "module of that name"),
        ("tests", "a folder of that name"),
        ("data", "a folder of that name"),
        ("2fast", "begins with a letter"),
        ("", "begins with a letter"),
        ("Churn", "lower-case"),
        ("my-churn", "lower-case"),
        ("küche", "ASCII"),
        ("churn_", "lower-case"),
        ("c" * 59, "58"),
        ("order", "reserved word of Snowflake"),
    ],
)
def test_what_cannot_be_a_package_is_told_why(package, why):
    assert why in why_not_package(package)


@pytest.mark.parametrize("package", ["2fast", "order", "class", "tests", "", "2", "pandas"])
def test_what_is_proposed_instead_can_be_one(package):
    assert why_not_package(another(package)) == ""


def test_every_word_of_python_is_taken():
    assert set(keyword.kwlist) <= set(taken())
