"""The commands of the description, to the letter, from a fresh clone."""

import csv
import json

import pytest

NODES = (
    "generate_sample_data",
    "preprocess_data",
    "feature_engineering",
    "train_test_split",
    "train_model",
    "evaluate_model",
)


def rows_of(clone, dataset):
    (file,) = (clone.folder / "data" / dataset).glob("*.csv")
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_nodes_are_listed(clone):
    done = clone.shell("python main.py list")

    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == list(NODES)


def test_one_node_runs_with_other_inputs(clone):
    done = clone.shell(
        "python src/utils/run_node.py --node generate_sample_data"
        """ --inputs '{"num_customers": 50}'"""
    )

    assert done.returncode == 0, done.stderr
    assert len(rows_of(clone, "raw_customers")) == 50


def test_node_files_are_programs(clone):
    first = clone.shell("cd src/nodes\npython node_01_generate_data.py")
    second = clone.shell("cd src/nodes\npython node_02_preprocess_data.py")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert len(rows_of(clone, "preprocessed_customers")) == 100_000


def test_a_node_whose_input_is_not_there_names_who_makes_it(clone):
    done = clone.shell("cd src/nodes\npython node_02_preprocess_data.py")

    assert done.returncode == 3
    assert "raw_customers" in done.stderr
    assert "generate_sample_data" in done.stderr


def test_sample_data_are_generated(clone):
    done = clone.shell("python data/sample_customer_data.py")

    assert done.returncode == 0, done.stderr
    assert list((clone.folder / "data").glob("*.csv"))


@pytest.mark.parametrize("prepare", ["cp config.env .env", "sed 's/$/\\r/' config.env > .env"])
def test_the_template_of_settings_is_valid_as_it_is(clone, prepare):
    done = clone.shell(f"{prepare}\npython main.py list")

    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_whole_pipeline_runs_and_then_has_nothing_to_do(clone):
    first = clone.shell("python main.py run --format json")
    again = clone.shell("python main.py run --format json")

    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    raw = rows_of(clone, "raw_customers")
    assert len(raw) == 100_000
    assert abs(sum(row["churned"] == "1" for row in raw) / len(raw) - 0.12) < 0.003
    assert [each["status"] for each in json.loads(first.stdout)["nodes"]] == ["succeeded"] * 6
    assert [each["status"] for each in json.loads(again.stdout)["nodes"]] == ["skipped"] * 6
    assert (clone.folder / "data" / "report.html").stat().st_size > 100_000


@pytest.mark.slow
def test_the_two_root_tests_pass(clone):
    done = clone.shell("python test_local_deployment_modes.py")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Both modes give the same." in done.stdout

    done = clone.shell("python test_pipeline.py")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "The pipeline works from end to end." in done.stdout
