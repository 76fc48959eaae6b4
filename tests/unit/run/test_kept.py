from sf_ml_framework.run.kept import read_quietly, write_quietly


def test_what_is_written_is_read(tmp_path):
    assert write_quietly(tmp_path / "new" / "kept.json", {"a": 1})
    assert read_quietly(tmp_path / "new" / "kept.json", dict) == {"a": 1}


def test_what_cannot_be_put_in_place_leaves_nothing_behind(tmp_path):
    # A folder that is not empty cannot be replaced by a file.
    (tmp_path / "kept.json" / "inside").mkdir(parents=True)

    assert not write_quietly(tmp_path / "kept.json", {"a": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


def test_what_another_version_wrote_is_as_if_it_were_not_there(tmp_path):
    (tmp_path / "kept.json").write_text("[1, 2")

    assert read_quietly(tmp_path / "kept.json", dict) is None
