from pathlib import Path

import pytest

from sf_ml_framework.errors import SettingsError
from sf_ml_framework.settings import find_root, load


@pytest.fixture
def project(tmp_path):
    (tmp_path / "mlops.yml").write_text("project: shop.pipeline:PROJECT\n")
    return tmp_path


def test_what_the_file_leaves_out_has_defaults(project):
    settings = load(project, {})

    assert settings.project == "shop.pipeline:PROJECT"
    assert (settings.local.data, settings.local.format, settings.local.workers) == (
        "data",
        "csv",
        0,
    )


def test_the_environment_wins_over_the_file(project):
    (project / "mlops.yml").write_text("project: a:B\nlocal: {format: csv, workers: 1}\n")

    local = load(project, {"MLOPS_DATA_FORMAT": "parquet", "MLOPS_WORKERS": "3"}).local

    assert (local.format, local.workers) == ("parquet", 3)


@pytest.mark.parametrize(
    ("text", "told", "remedy"),
    [
        ("projekt: a:B", "unknown field `projekt`", "did you mean 'project'?"),
        ("project: a:B\nlocal: {formt: csv}", "unknown field `formt`", "did you mean 'format'?"),
        ("project: a:B\nlocal: {format: xml}", "Invalid enum value 'xml'", "docs/reference"),
        ("project: a:B\nlocal: {workers: -1}", ">= 0", "docs/reference"),
        ("local: {}", "missing required field `project`", "docs/reference"),
        ("", "holds no settings", "project: module:PROJECT"),
        ("- a", "holds no settings", "project: module:PROJECT"),
        ("a: [", "is no YAML", "mend that line"),
    ],
)
def test_wrong_settings_are_refused_with_a_remedy(project, text, told, remedy):
    (project / "mlops.yml").write_text(text)

    with pytest.raises(SettingsError) as caught:
        load(project, {})

    assert told in str(caught.value)
    assert remedy in caught.value.remedy


def test_a_copied_config_env_changes_what_the_environment_does_not(project):
    """Windows line ends, a byte-order mark, quotes, comments and `export` are all in use."""
    (project / ".env").write_bytes(
        b'\xef\xbb\xbf# a comment\r\nexport MLOPS_DATA="my data"\r\nMLOPS_WORKERS=2 # two\r\n'
    )

    local = load(project, {"MLOPS_WORKERS": "3"}).local

    assert (local.data, local.workers) == ("my data", 3)


def test_a_wrong_variable_is_told_with_its_origin(project):
    (project / ".env").write_text("MLOPS_WORKERS=many\n")

    with pytest.raises(SettingsError, match=r"MLOPS_WORKERS of .*\.env: Expected `int`"):
        load(project, {})


def test_the_template_of_the_repository_can_be_copied_as_it_is(project):
    template = Path(__file__).parents[3] / "config.env"
    before = load(project, {})
    (project / ".env").write_bytes(template.read_bytes().replace(b"\n", b"\r\n"))

    assert load(project, {}) == before


def test_windows_line_ends_are_fine(project):
    (project / "mlops.yml").write_bytes(b"project: a:B\r\nlocal:\r\n  format: parquet\r\n")

    assert load(project, {}).local.format == "parquet"


def test_the_project_is_found_from_a_folder_below_it(project):
    below = project / "src" / "nodes"
    below.mkdir(parents=True)

    assert find_root(below) == project.resolve()


def test_outside_a_project_the_remedy_is_to_name_one(tmp_path):
    with pytest.raises(SettingsError) as caught:
        find_root(tmp_path)

    assert "--project" in caught.value.remedy
