"""A project takes over what changed in the template, and keeps what its people changed."""

import json
import shutil

import pytest

from sf_ml_framework import __version__
from sf_ml_framework.cli.app import main
from tests.integration.init.conftest import commit, edit, files_in, git

NODES = "{{package}}/nodes.py.jinja"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project that was just made, and committed; each test takes a copy."""
    folder = tmp_path_factory.mktemp("made") / "churn"
    assert main(["init", str(folder), "--quiet"]) == 0
    commit(folder, init=True)
    return folder


@pytest.fixture
def project(made, tmp_path):
    """That project, in the folder of the test."""
    return shutil.copytree(made, tmp_path / "churn")


def update(mlops, wheel, *words):
    return mlops("init", "--update", "--project", "churn", "--framework", str(wheel), *words)


def changes(said):
    """Return what the table told of each file."""
    rows = [line.split(maxsplit=1) for line in said.out.splitlines()[1:]]
    return {file: change for change, file in rows}


def test_changes_of_both_sides_are_in_the_file(mlops, project, newer):
    wheel = newer({NODES: lambda text: text.replace("Invent deliveries", "Invent parcels")})
    edit(project / "churn" / "nodes.py", "TEST_EVERY = 5", "TEST_EVERY = 4")
    commit(project)

    said = update(mlops, wheel)

    assert said.code == 0, said.err
    text = (project / "churn" / "nodes.py").read_text()
    assert "Invent parcels" in text
    assert "TEST_EVERY = 4" in text
    assert changes(said)["churn/nodes.py"] == "changed"
    assert "git diff --cached" in said.err


def test_the_framework_of_the_project_is_the_newer_one(mlops, project, newer):
    wheel = newer({})

    said = update(mlops, wheel)

    assert changes(said) == {
        ".mlops-init.yml": "changed",
        "framework.txt": "changed",
        f"vendor/{wheel.name}": "added",
        f"vendor/sf_ml_framework-{__version__}-py3-none-any.whl": "removed",
    }
    assert [file.name for file in (project / "vendor").iterdir()] == [wheel.name]
    assert wheel.name in (project / "framework.txt").read_text()
    assert 'framework: "99.0.0"' in (project / ".mlops-init.yml").read_text()


def test_all_of_it_is_staged_and_nothing_committed_and_git_takes_it_back(mlops, project, newer):
    before, head = files_in(project), git(project, "rev-parse", "HEAD")
    wheel = newer({NODES: lambda text: text + "\n\nNEW = 1\n", "EXTRA.md": "extra\n"})

    update(mlops, wheel)

    assert git(project, "rev-parse", "HEAD") == head
    assert git(project, "diff", "--name-only") == ""
    assert git(project, "ls-files", "--others", "--exclude-standard") == ""
    git(project, "reset", "--quiet", "--hard")
    assert files_in(project) == before


def test_the_same_lines_changed_are_a_conflict_that_is_shown(mlops, project, newer):
    wheel = newer({
        NODES: lambda text: text.replace("usual_km: float = 5.0", "usual_km: float = 6.0"),
        "README.md.jinja": lambda text: text.replace("make help    # the rest", "make help  # all"),
    })  # fmt: skip
    edit(project / "churn" / "nodes.py", "usual_km: float = 5.0", "usual_km: float = 4.5")
    commit(project)

    said = update(mlops, wheel)

    assert said.code == 3
    assert "1 file changed here and in the template: churn/nodes.py" in said.err
    assert "git reset --hard" in said.err
    assert changes(said)["churn/nodes.py"] == "conflict"
    assert changes(said)["README.md"] == "changed"
    text = (project / "churn" / "nodes.py").read_text()
    for part in ("<<<<<<<", "usual_km: float = 4.5", "=======", "usual_km: float = 6.0"):
        assert part in text
    assert "template of sf-ml-framework 99.0.0" in text
    assert git(project, "diff", "--name-only", "--diff-filter=U") == "churn/nodes.py"


def test_files_come_and_go_with_the_template_and_deleted_ones_stay_away(mlops, project, newer):
    wheel = newer({"config.env.jinja": None, "docs/new.md.jinja": "For {{ package }}\n"})
    (project / ".python-version").unlink()
    (project / "notes.md").write_text("mine\n")
    commit(project)

    said = update(mlops, wheel)

    assert not (project / "config.env").exists()
    assert not (project / ".python-version").exists()
    assert (project / "docs" / "new.md").read_text() == "For churn\n"
    assert (project / "notes.md").read_text() == "mine\n"
    assert {name: said_of for name, said_of in changes(said).items() if "/" not in name} == {
        ".mlops-init.yml": "changed", "config.env": "removed", "framework.txt": "changed",
    }  # fmt: skip


def test_a_file_that_was_moved_gets_the_change_where_it_is_now(mlops, project, newer):
    wheel = newer({NODES: lambda text: text.replace("Invent deliveries", "Invent parcels")})
    (project / "churn" / "steps").mkdir()
    git(project, "mv", "churn/nodes.py", "churn/steps/all.py")
    commit(project)

    assert update(mlops, wheel).code == 0
    assert "Invent parcels" in (project / "churn" / "steps" / "all.py").read_text()
    assert not (project / "churn" / "nodes.py").exists()


def test_a_changed_file_that_was_deleted_here_is_a_conflict(mlops, project, newer):
    wheel = newer({"tests/test_nodes.py.jinja": lambda text: text + "\n\nMORE = 1\n"})
    (project / "tests" / "test_nodes.py").unlink()
    commit(project)

    said = update(mlops, wheel)

    assert said.code == 3
    assert changes(said)["tests/test_nodes.py"] == "conflict"


def test_one_update_after_another_begins_where_the_last_one_ended(mlops, project, newer):
    second = newer({NODES: lambda text: text.replace("Invent deliveries", "Invent parcels")})
    third = newer(
        {NODES: lambda text: text.replace("Invent parcels", "Invent letters")},
        version="99.1.0",
        of=second,
    )
    edit(project / "churn" / "nodes.py", "TEST_EVERY = 5", "TEST_EVERY = 4")
    commit(project)

    for wheel in (second, third):
        assert update(mlops, wheel).code == 0
        commit(project)

    text = (project / "churn" / "nodes.py").read_text()
    assert "Invent letters" in text
    assert "TEST_EVERY = 4" in text


def test_the_template_of_then_is_found_where_its_wheel_was_replaced_by_hand(mlops, project, newer):
    second = newer({NODES: lambda text: text.replace("Invent deliveries", "Invent parcels")})
    third = newer({NODES: None, "{{package}}/steps.py": "S = 1\n"}, version="99.1.0", of=second)
    update(mlops, second)
    commit(project)
    (project / "vendor" / second.name).unlink()
    shutil.copy(third, project / "vendor")
    commit(project)

    assert update(mlops, third).code == 0
    assert not (project / "churn" / "nodes.py").exists()


def test_where_the_template_of_then_is_nowhere_nothing_is_guessed(mlops, project, newer):
    second = newer({NODES: lambda text: text + "\n\nNEW = 1\n"})
    edit(project / ".mlops-init.yml", "template: ", "template: 0000")
    commit(project)
    before = files_in(project)

    said = update(mlops, second)

    assert said.code == 3
    assert "neither in vendor/ nor in the history" in said.err
    assert files_in(project) == before


def test_what_the_project_resolved_itself_is_kept(mlops, project, newer):
    locks = "../../locks/"
    wheel = newer({
        f"{locks}run.txt": lambda text: text + "# newer\n",
        f"{locks}image.txt": lambda text: text + "# newer\n",
    })  # fmt: skip
    mine = (project / "requirements" / "run.txt").read_text() + "# mine\n"
    (project / "requirements" / "run.txt").write_text(mine)
    commit(project)

    said = update(mlops, wheel)

    assert changes(said)["requirements/run.txt"] == "kept"
    assert changes(said)["requirements/image.txt"] == "changed"
    assert (project / "requirements" / "run.txt").read_text() == mine
    assert (project / "requirements" / "image.txt").read_text().endswith("# newer\n")
    assert "make lock" in said.err


def test_a_new_question_is_answered_by_its_default_and_an_old_one_by_its_option(
    mlops, project, newer
):
    asked = "\nowner:\n  type: str\n  default: nobody\n"
    wheel = newer({
        "../copier.yml": lambda text: text + asked,
        "OWNER.md.jinja": "{{ owner }}\n",
    })  # fmt: skip

    assert update(mlops, wheel, "--python", "3.13").code == 0
    assert (project / "OWNER.md").read_text() == "nobody\n"
    assert (project / ".python-version").read_text() == "3.13\n"
    assert "python:3.13-slim" in (project / "Dockerfile").read_text()


def test_a_project_in_a_folder_of_a_repository_is_updated_there_alone(mlops, tmp_path, newer):
    commit_all = tmp_path / "mono"
    (commit_all / "other").mkdir(parents=True)
    (commit_all / "other" / "README.md").write_text("other\n")
    mlops("init", "mono/churn")
    commit(commit_all, init=True)
    wheel = newer({"README.md.jinja": lambda text: text + "\nMore.\n"})

    said = mlops("init", "--update", "--project", "mono/churn", "--framework", str(wheel))

    assert said.code == 0, said.err
    assert (commit_all / "churn" / "README.md").read_text().endswith("\nMore.\n")
    assert (commit_all / "other" / "README.md").read_text() == "other\n"
    assert not (commit_all / "README.md").exists()
    assert "README.md" in changes(said)


def test_without_anything_new_nothing_is_done(mlops, project):
    before = files_in(project)

    said = mlops("init", "--update", "--project", "churn")

    assert said == (0, f"up to date with mlops {__version__}: nothing changed\n", "")
    assert files_in(project) == before
    assert git(project, "status", "--porcelain") == ""


def test_a_program_reads_what_an_update_did(mlops, project, newer):
    said = update(mlops, newer({"EXTRA.md": "extra\n"}), "--format", "json")

    assert {"file": "EXTRA.md", "change": "added"} in json.loads(said.out)


def test_what_is_not_committed_stops_it(mlops, project, newer):
    edit(project / "README.md", "# churn", "# mine")

    said = update(mlops, newer({}))

    assert said.code == 3
    assert "not everything is committed: README.md" in said.err
    assert (
        (project / "framework.txt")
        .read_text()
        .startswith(f"./vendor/sf_ml_framework-{__version__}")
    )


def test_a_file_in_the_way_of_a_new_one_stops_it_and_stays(mlops, project, newer):
    (project / "EXTRA.md").write_text("mine\n")
    before = files_in(project)

    said = update(mlops, newer({"EXTRA.md": "theirs\n"}))

    assert said.code == 3
    assert "left the project as it was" in said.err
    assert "EXTRA.md" in said.err
    assert files_in(project) == before


def test_an_older_framework_is_refused(mlops, project, newer):
    update(mlops, newer({}))
    commit(project)

    said = mlops("init", "--update", "--project", "churn")

    assert said.code == 3
    assert f"made by mlops 99.0.0, and this is {__version__}" in said.err


def test_without_a_repository_it_says_what_to_do(mlops, tmp_path):
    mlops("init", "churn")

    said = mlops("init", "--update", "--project", "churn")

    assert said.code == 3
    assert "in no git repository" in said.err
    assert "git init" in said.err


def test_without_git_it_says_so(mlops, project, monkeypatch):
    monkeypatch.setenv("PATH", str(project / "nowhere"))

    said = mlops("init", "--update", "--project", "churn")

    assert said.code == 3
    assert "git is not on this machine" in said.err


def test_a_project_of_another_origin_is_left_alone(mlops, tmp_path):
    folder = tmp_path / "churn"
    folder.mkdir()
    (folder / "mlops.yml").write_text("project: a:B\n")
    commit(folder, init=True)

    said = mlops("init", "--update", "--project", "churn")

    assert said.code == 3
    assert "was not made by `mlops init`" in said.err


def test_a_record_that_was_spoilt_is_told(mlops, project):
    (project / ".mlops-init.yml").write_text("answers: 3\n")
    commit(project)

    said = mlops("init", "--update", "--project", "churn")

    assert said.code == 3
    assert "git checkout" in said.err


def test_the_template_of_an_index_is_looked_for_there(mlops, tmp_path, newer, monkeypatch):
    """The project names a version, and vendors nothing; the index is a folder of wheels."""
    index = tmp_path / "index"
    index.mkdir()
    old = newer({"README.md.jinja": lambda text: text + "\nOld.\n"}, version=__version__)
    shutil.copy(old, index)
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    mlops("init", "churn", "--framework", str(old))
    project = tmp_path / "churn"
    shutil.rmtree(project / "vendor")
    (project / "framework.txt").write_text(f"sf-ml-framework=={__version__}\n")
    edit(project / ".mlops-init.yml", "vendored: true", "vendored: false")
    edit(project / "Dockerfile", "COPY vendor vendor\n", "")
    commit(project, init=True)

    said = mlops("init", "--update", "--project", "churn")

    assert said.code == 0, said.err
    assert changes(said)["README.md"] == "changed"
    assert "Old." not in (project / "README.md").read_text()
    assert not (project / "vendor").exists()


def test_a_hook_of_another_repository_does_not_lead_astray(mlops, project, newer, tmp_path):
    """Git tells its hooks where their repository is, by variables that ours must not obey."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.txt").write_text("a")
    commit(other, init=True)
    head = git(other, "rev-parse", "HEAD")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_DIR", str(other / ".git"))
        patch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
        said = update(mlops, newer({"EXTRA.md": "extra\n"}))

    assert said.code == 0, said.err
    assert (project / "EXTRA.md").is_file()
    assert git(other, "rev-parse", "HEAD") == head
    assert git(other, "status", "--porcelain") == ""
    assert set(other.iterdir()) == {other / ".git", other / "a.txt"}
