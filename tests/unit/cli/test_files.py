"""A file that was asked for by name is written whole, or not at all."""

import pytest

from sf_ml_framework.cli.files import write_text
from sf_ml_framework.errors import OperatorError


def test_folders_above_it_are_made(tmp_path):
    write_text(tmp_path / "a" / "ü" / "page.html", "größe\n")

    assert (tmp_path / "a" / "ü" / "page.html").read_bytes() == "größe\n".encode()
    assert [path.name for path in (tmp_path / "a" / "ü").iterdir()] == ["page.html"]


def test_a_folder_in_its_place_is_refused_and_stays(tmp_path):
    (tmp_path / "page.html").mkdir()

    with pytest.raises(OperatorError, match=r"page\.html cannot be written") as caught:
        write_text(tmp_path / "page.html", "text")

    assert "where you may write" in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_file_where_a_folder_should_be_is_refused_and_stays(tmp_path):
    (tmp_path / "notes").write_text("mine")

    with pytest.raises(OperatorError, match=r"page\.html cannot be written"):
        write_text(tmp_path / "notes" / "page.html", "text")

    assert (tmp_path / "notes").read_text() == "mine"
