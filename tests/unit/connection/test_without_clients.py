"""A machine on which only what a local run needs is installed."""

import sys

import pytest

from sf_ml_framework.connection import resolve
from sf_ml_framework.errors import OperatorError
from sf_ml_framework.places.snowflake.session import Account

GIVEN = {"SNOWFLAKE_ACCOUNT": "org-one", "SNOWFLAKE_USER": "me", "SNOWFLAKE_PASSWORD": "secret"}


def test_a_connection_without_snowflake_s_clients_tells_how_to_get_them(tmp_path, monkeypatch):
    settings = resolve(None, {}, {**GIVEN, "SNOWFLAKE_HOME": str(tmp_path)})
    monkeypatch.setitem(sys.modules, "snowflake.connector", None)

    with pytest.raises(OperatorError, match="clients are not installed") as caught:
        Account(settings).rows("SELECT 1")

    assert "make install-dev" in caught.value.remedy
    assert "sf-ml-framework[snowflake]" in caught.value.remedy
