"""Types of columns in the account."""

import pytest

from sf_ml_framework.manifest import types
from sf_ml_framework.places.snowflake.column_types import described, sql_type, whole_range
from sf_ml_framework.values.columns import StoredColumn, arrow_type, family


@pytest.mark.parametrize("name", [*types.NAMES, "decimal(8,2)", "time", "int8", "uint64"])
def test_every_type_of_the_catalog_has_one_in_the_account_of_its_own_family(name):
    found = described([{"name": "A", "type": sql_type(name)}])[0]

    assert found.name == "a"
    assert family(found.type) == family(name)
    assert arrow_type(found.type) is not None


def test_a_type_of_whole_numbers_has_its_limits():
    assert whole_range("int32") == (-(2**31), 2**31 - 1)
    assert whole_range("uint8") == (0, 255)
    assert whole_range("float") is None


def test_what_is_not_known_is_text():
    assert described([{"name": "Odd", "type": "VARIANT"}]) == (StoredColumn("Odd", "string"),)
