"""What changes a result runs again, what does not is skipped, and the reason has a name."""

from __future__ import annotations

import json
import os

import msgspec
import pytest

from sf_ml_framework.manifest.model import ColumnSpec
from sf_ml_framework.run.journal import FILE, SqliteJournal
from tests.integration.cache.conftest import Shop


def kinds(ran):
    return {name: each.reason.kind for name, each in ran.items()}


def ran_again(ran):
    return {name for name, each in ran.items() if each.status == "succeeded"}


def test_nothing_changed_and_nothing_runs(shop):
    ran = shop.run()

    assert {each.status for each in ran.values()} == {"skipped"}
    assert set(kinds(ran).values()) == {"unchanged"}
    assert ran["count"].outputs[0].dataset == "total"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("src/nodes/scale.py", "# Cleaning first", "# Clean first"),
        ("src/nodes/scale.py", "Return every number", "Give back each number"),
        ("src/nodes/scale.py", '"""Scale the numbers."""', "'''Scales numbers.'''\n\n\n"),
        ("src/nodes/scale.py", "maxsize=3", "maxsize=9"),
        ("src/nodes/scale.py", "def scale(", "@functools.wraps(unused)\ndef scale("),
        ("src/nodes/scale.py", "return x + 1", "return x + 2"),
        ("src/nodes/scale.py", "factor=2, options", "factor=3, options"),
        ("src/nodes/scale.py", "[cleaning.clean(number) * factor + OFFSET for number in numbers",
         "[\n        (cleaning.clean(number) * factor) + OFFSET\n        for number in numbers"),
        ("src/nodes/scale.py", "    ", "\t"),
        ("src/tools/cleaning.py", "return number", "return -number"),
        ("src/settings.py", "OTHER = 5", "OTHER = 6"),
        ("src/settings.py", "OFFSET = 1", "OFFSET: int = 0x1  # one"),
        ("src/nodes/count.py", "\n", "\r\n"),
    ],
)  # fmt: skip
def test_a_change_that_changes_no_result_is_skipped(shop, path, old, new):
    shop.replace(path, old, new)

    assert ran_again(shop.run()) == set()


@pytest.mark.parametrize(
    ("path", "old", "new", "node", "named"),
    [
        ("src/nodes/scale.py", "* factor", "* -factor", "scale",
         "src.nodes.scale:scale (the node's own function)"),
        ("src/tools/cleaning.py", "return positive(number)", "return positive(number) + 0", "scale",
         "src.tools.cleaning:clean (function that scale reaches)"),
        ("src/deep/signs.py", "return abs(number)", "return abs(number) + 1", "scale",
         "src.deep.signs:absolute (function that scale reaches)"),
        ("src/settings.py", "OFFSET = 1", "OFFSET = 2", "scale",
         "src.settings:OFFSET (constant that scale reaches)"),
        ("src/kinds.py", "number > self.limit", "number >= self.limit", "judge",
         "src.kinds:Judge (class that judge reaches)"),
        ("src/kinds.py", '"high" if', '"tall" if', "judge",
         "src.kinds:Named (class that judge reaches)"),
        ("src/rules.py", "LIMIT = 4", "LIMIT = 5", "judge",
         "src.rules:LIMIT (constant that judge reaches)"),
        ("src/rules.py", "% 2", "% 3", "judge",
         "src.rules:even (function that judge reaches)"),
        ("src/rules.py", "RULES = []", "import random\nrandom.seed(3)\nRULES = []", "judge",
         "src.rules:<module> (statements of a module that judge imports)"),
    ],
)  # fmt: skip
def test_code_that_a_node_reaches_is_named_when_it_changes(shop, path, old, new, node, named):
    """Two imports away, a constant, a parent's method, a star import, a registered rule."""
    shop.replace(path, old, new)

    reason = shop.run()[node].reason

    assert (reason.kind, reason.detail) == ("code_changed", named)


def test_a_helper_that_is_new_is_named_behind_the_function_that_calls_it(shop):
    shop.replace("src/tools/cleaning.py", "positive(number)", "also_unused(positive(number))")

    decision = shop.why("scale")

    assert [each.detail for each in decision.differences] == [
        "src.tools.cleaning:clean (function that scale reaches)",
        "src.tools.cleaning:also_unused (function that scale now reaches)",
    ]


def test_a_local_variable_under_another_name_runs_again(shop):
    """It would give the same; that is found out by running once, and nothing after it runs."""
    shop.replace("src/nodes/scale.py", "result", "outcome")

    ran = shop.run()

    assert ran_again(ran) == {"scale"}
    assert kinds(ran) == {"scale": "code_changed", "judge": "unchanged", "count": "unchanged"}


def test_a_parameter_is_named_with_both_values(shop):
    ran = shop.run(params={"scale.factor": "3"})

    assert ran["scale"].reason.detail == "factor: 2 → 3"
    assert ran["scale"].reason.kind == "params_changed"
    assert ran["judge"].reason.kind == "input_changed"


def test_a_parameter_that_is_declared_anew_is_named(shop):
    shop.replace("src/pipeline.py", '"high": 9', '"high": 8')

    reason = Shop(shop.root).why("scale").reason

    assert reason.detail == 'options: {"high":9,"low":0} → {"high":8,"low":0}'


def test_the_order_of_keys_is_no_change(shop):
    shop.replace("src/pipeline.py", '"factor": 2, "options": {"low": 0, "high": 9}',
                 '"options": {"high": 9, "low": 0}, "factor": 2')  # fmt: skip
    file = shop.root / ".mlops/manifest.json"
    file.unlink(missing_ok=True)

    assert ran_again(Shop(shop.root).run()) == set()


def test_a_whole_number_and_the_same_as_a_float_are_two_values(shop):
    reason = shop.why("scale", inputs={"scale.options": {"low": 0, "high": 9.0}}).reason

    assert reason.detail == 'options: {"high":9,"low":0} → {"high":9.0,"low":0}'


def test_another_input_runs_the_node_and_what_depends_on_it(shop):
    (shop.root / "numbers.json").write_text('{"values": [7, 8, -9]}')

    ran = shop.run()

    assert ran_again(ran) == {"scale", "judge", "count"}
    assert ran["scale"].reason.detail == "numbers@v1.0.0"
    assert kinds(ran) == dict.fromkeys(("scale", "judge", "count"), "input_changed")


def test_it_stops_early_where_an_output_turns_out_equal(shop):
    """The cap hides what changed, so the second node finds what it found before."""
    shop.replace("src/nodes/scale.py", "min(each,", "min(each, 10**6,")

    ran = shop.run()

    assert ran_again(ran) == {"scale"}


def test_it_stops_in_the_middle_where_an_output_turns_out_equal(shop):
    """Other numbers, as many of them: the count of the verdicts is what it was."""
    (shop.root / "numbers.json").write_text('{"values": [1, 3, 2, -5]}')

    ran = shop.run()

    assert ran_again(ran) == {"scale", "judge", "count"}
    assert ran["count"].outputs[0].content == shop.run()["count"].outputs[0].content


def test_an_input_that_was_only_touched_is_skipped(shop):
    os.utime(shop.root / "numbers.json")

    assert ran_again(shop.run()) == set()


def output(shop, dataset):
    (file,) = (shop.root / "data" / dataset).glob("v1.0.0.json")
    return file


def test_a_result_that_is_gone_is_made_again(shop):
    output(shop, "verdicts").unlink()

    ran = shop.run()

    assert ran_again(ran) == {"judge"}
    assert ran["judge"].reason.kind == "output_missing"
    assert ran["judge"].reason.detail == "verdicts@v1.0.0"


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-3], lambda data: data + b" ", lambda data: data.replace(b"l", b"L"),
     lambda data: b""],
)  # fmt: skip
def test_a_result_that_is_cut_or_changed_is_made_again(shop, damage):
    """Size and time of change decide whether the bytes are looked at, as for git."""
    file = output(shop, "verdicts")
    before = file.read_bytes()
    file.write_bytes(damage(before))

    ran = shop.run()

    assert ran_again(ran) == {"judge"}
    assert ran["judge"].reason.kind == "output_damaged"
    assert output(shop, "verdicts").read_bytes() == before


def test_a_library_in_another_version_is_named(shop, tmp_path):
    (tmp_path / "site/pricing-1.0.0.dist-info").rename(tmp_path / "site/pricing-1.1.0.dist-info")

    ran = shop.run()

    assert ran_again(ran) == {"count"}
    assert ran["count"].reason.kind == "library_changed"
    assert ran["count"].reason.detail == "pricing: 1.0.0 → 1.1.0"


def test_what_is_forced_runs_and_still_tells_what_differed(shop):
    assert kinds(shop.run(force=True)) == dict.fromkeys(("scale", "judge", "count"), "forced")


def test_results_of_two_parameters_by_turns_run_only_when_they_were_replaced(shop):
    shop.run(params={"scale.factor": "3"})

    ran = shop.run()

    assert ran["scale"].reason.detail == "factor: 3 → 2"
    assert ran_again(shop.run()) == set()


def test_results_of_two_parameters_in_two_versions_both_hold(shop):
    elsewhere = {"params": {"scale.factor": "3"}, "outputs": {"scaled": "scaled@v2.0.0"}}
    first = shop.run("scale", **elsewhere)

    assert first["scale"].reason.kind == "params_changed"
    assert ran_again(shop.run("scale", **elsewhere)) == set()
    assert ran_again(shop.run("scale")) == set()


def test_an_output_that_goes_elsewhere_is_a_reason(shop):
    reason = shop.why("scale", outputs={"scaled": "scaled@v2.0.0"}).reason

    assert reason.kind == "binding_changed"
    assert reason.detail == "output scaled: scaled@v1.0.0 → scaled@v2.0.0"


def test_an_input_from_elsewhere_is_a_reason(shop):
    shop.run("scale", outputs={"scaled": "scaled@v2.0.0"})

    reason = shop.why("judge", inputs={"judge.scaled": "scaled@v2.0.0"}).reason

    assert reason.kind == "binding_changed"
    assert reason.detail == "input scaled: scaled@v1.0.0 → scaled@v2.0.0"


def test_what_the_catalog_demands_is_a_reason_and_what_it_tells_is_not(shop):
    described = dataset_changed(shop, "scaled", description="Scaled numbers.")
    demanding = dataset_changed(
        shop, "scaled", columns=(ColumnSpec(name="values", type="integer", nullable=False),)
    )

    assert described.why("judge").hit
    reason = demanding.why("judge").reason
    assert reason.kind == "code_changed"
    assert reason.detail == "catalog:scaled (columns or checks of the dataset)"


def dataset_changed(shop, name, **changes):
    datasets = tuple(
        msgspec.structs.replace(each, **changes) if each.name == name else each
        for each in shop.manifest.datasets
    )
    return Shop(shop.root, msgspec.structs.replace(shop.manifest, datasets=datasets))


def test_every_difference_is_told_the_most_telling_first(shop):
    shop.replace("src/settings.py", "OFFSET = 1", "OFFSET = 2")
    (shop.root / "numbers.json").write_text('{"values": [7]}')
    output(shop, "scaled").unlink()

    decision = shop.why("scale", inputs={"factor": 4})

    assert [each.kind for each in decision.differences] == [
        "code_changed", "params_changed", "input_changed",
    ]  # fmt: skip
    assert decision.reason == decision.differences[0]
    assert not decision.hit


def test_a_key_of_another_scheme_never_matches(shop):
    journal = SqliteJournal(shop.root / FILE)
    for run in journal.node_runs(journal.run("last").run_id):
        key = msgspec.structs.replace(run.key, scheme=0)
        journal.record_node(msgspec.structs.replace(run, key=key))
    journal.close()

    assert kinds(shop.run()) == dict.fromkeys(("scale", "judge", "count"), "scheme_changed")


def test_a_node_without_outputs_always_runs_and_says_why(shop):
    shop.replace("src/pipeline.py", ', outputs="total"', "")
    bare = Shop(shop.root)
    bare.run()

    reason = bare.run()["count"].reason

    assert reason.kind == "not_cacheable"
    assert reason.detail == "it declares no outputs, so there is nothing that could still hold"


def test_a_node_that_takes_the_stores_always_runs_and_says_why(shop):
    shop.replace("src/nodes/count.py", "def count(verdicts", "def count(feature_store, verdicts")
    stores = Shop(shop.root)
    stores.run()

    reason = stores.run()["count"].reason

    assert reason.kind == "not_cacheable"
    assert reason.detail.startswith("it takes feature_store")


def test_a_node_that_imports_by_a_computed_name_runs_after_every_change(shop):
    computed = "import importlib\n    pricing = importlib.import_module('pri' + 'cing')"
    shop.replace("src/nodes/count.py", "import pricing", computed)
    shop.run()
    assert ran_again(shop.run()) == set()
    shop.replace("src/settings.py", "OTHER = 5", "OTHER = 6")

    reason = shop.run()["count"].reason

    assert reason.kind == "code_changed"
    assert reason.detail == (
        "<project> (any of its files, because src.nodes.count:count"
        " imports by a computed name (importlib.import_module))"
    )


def test_an_annotation_that_asks_for_another_type_is_a_reason(shop):
    """The function gets another value, although no line of its body changed."""
    shop.replace("src/nodes/judge.py", "def judge(scaled)", "def judge(scaled: Scaled)")
    shop.replace("src/nodes/judge.py", "from src.kinds import Judge",
                 "from src.kinds import Judge, Scaled")  # fmt: skip
    shop.replace("src/kinds.py", "class Named:",
                 "from dataclasses import dataclass\n\n@dataclass\nclass Scaled:\n"
                 "    values: list\n\nclass Named:")  # fmt: skip

    details = [each.detail for each in Shop(shop.root).why("judge").differences]

    assert details == [
        "src.nodes.judge:judge(scaled) (type as which the argument is asked for)",
        "src.kinds:Scaled (class that judge now reaches)",
    ]


def test_results_are_the_same_whether_they_were_skipped_or_run(shop):
    skipped = json.loads(output(shop, "total").read_text())
    shop.run(force=True)

    assert json.loads(output(shop, "total").read_text()) == skipped
