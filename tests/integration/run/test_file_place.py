"""The stand-in for a place offers what the runner may ask of one."""

import inspect

import pytest

from sf_ml_framework.run.ports import Place
from tests.integration.run.file_place import FilePlace

PROMISED = sorted(name for name in vars(Place) if not name.startswith("_"))


@pytest.mark.parametrize("name", PROMISED)
def test_the_stand_in_offers_what_the_port_promises(name):
    promised, offered = getattr(Place, name), getattr(FilePlace, name)

    assert callable(offered) == callable(promised)
    if callable(promised):
        asked = inspect.signature(promised).parameters
        assert list(inspect.signature(offered).parameters) == list(asked)
