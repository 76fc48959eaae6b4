from pathlib import Path

import pytest

from sf_ml_framework.places.local.place import LocalPlace


@pytest.fixture
def root(tmp_path) -> Path:
    """A project's folder whose path has a space, an umlaut and a pattern's letters."""
    folder = tmp_path / "Größe [1] von *"
    folder.mkdir()
    return folder


@pytest.fixture(params=["csv", "parquet"])
def table_format(request) -> str:
    return request.param


@pytest.fixture
def open_place(root):
    """Open the project's place again and again, as one process after another does."""
    opened = []

    def open_(table_format="csv", **options) -> LocalPlace:
        opened.append(LocalPlace(root, format=table_format, **options))
        return opened[-1]

    yield open_
    for place in opened:
        place.close()


@pytest.fixture
def place(open_place) -> LocalPlace:
    return open_place()
