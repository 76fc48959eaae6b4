import shlex

import pytest

from sf_ml_framework.manifest import graph
from sf_ml_framework.run.bindings import bind
from sf_ml_framework.run.overrides import Overrides, parse
from sf_ml_framework.run.resume import resume_command
from tests.integration.run.running import Project


@pytest.fixture
def project(tmp_path):
    """a -> b -> c -> d, and e beside them."""
    made = Project(tmp_path)
    made.node("a", outputs="da", params={"rows": 1}, param_types={"rows": "integer"})
    made.node("b", inputs={"x": "da"}, outputs="db")
    made.node("c", inputs={"x": "db"}, outputs="dc", params={"k": 1})
    made.node("d", inputs={"x": "dc"}, outputs="dd")
    made.node("e", outputs="de", params={"k": 1})
    return made


def resumed(project, nodes="abcde", unfinished="cd", skippable="abe", force=False, **overrides):
    changed = Overrides(**overrides)
    found = bind(project.manifest, list(nodes), changed)
    return resume_command(
        project.manifest,
        found,
        changed,
        unfinished=list(unfinished),
        skippable=() if force else list(skippable),
        flags=["--force"] if force else [],
    )


def test_what_succeeded_is_skipped_so_the_plain_command_resumes(project):
    assert resumed(project) == "mlops run"


def test_what_cannot_be_skipped_is_not_run_again(project):
    assert resumed(project, skippable="ab") == "mlops run --from c"


def test_a_part_of_the_graph_is_resumed_as_that_part(project):
    assert resumed(project, nodes="abc", unfinished="c", skippable="ab") == "mlops run --to c"


def test_a_run_that_skips_nothing_resumes_with_what_is_left_alone(project):
    assert resumed(project, force=True) == "mlops run --from c --force"


def test_nodes_that_no_shorter_words_select_are_named(project):
    command = resumed(project, unfinished="ce", nodes="abce", skippable="ab", force=True)

    assert command == "mlops run --nodes c --nodes e --force"


def test_overrides_are_given_again_where_they_matter(project):
    assert resumed(project, inputs={"rows": 5}) == "mlops run --inputs '{\"rows\": 5}'"
    assert resumed(project, skippable="", inputs={"rows": 5}) == "mlops run --from c"


def test_an_output_that_went_elsewhere_is_found_again(project):
    command = resumed(project, skippable="", unfinished="bcd", outputs={"a.da": "da@v2"})

    words = shlex.split(command)
    assert words[:2] == ["mlops", "run"]
    again = parse(inputs=words[words.index("--inputs") + 1])
    assert again.inputs == {"b.x": "da@v2"}


def test_a_parameter_is_given_to_whom_it_was_given(project):
    everyone = resumed(project, params={"k": "2"})
    one = resumed(project, inputs={"c.k": 2})
    fewer = resumed(project, nodes="abcd", unfinished="cd", skippable="ab", params={"k": "2"})

    assert everyone == "mlops run --params=k=2"
    assert one == "mlops run --inputs '{\"c.k\": 2}'"
    assert fewer == "mlops run --from c --params=k=2"


@pytest.mark.parametrize("unfinished", ["a", "bd", "cde", "e", "abcde", "d"])
@pytest.mark.parametrize("skippable", ["", "abcde"])
def test_the_command_runs_exactly_what_is_left(project, unfinished, skippable):
    left = set(skippable) - set(unfinished)

    words = shlex.split(resumed(project, unfinished=unfinished, skippable=left))[2:]

    pairs = list(zip(words[::2], words[1::2], strict=True))
    chosen = graph.select(
        project.manifest,
        first=[name for flag, name in pairs if flag == "--from"],
        last=[name for flag, name in pairs if flag == "--to"],
        nodes=[name for flag, name in pairs if flag == "--nodes"],
    )
    assert set(chosen) - left == set(unfinished)
