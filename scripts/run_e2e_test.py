"""Deploy, run, break, repair and remove the churn pipeline: all of deployment mode, end to end.

    python scripts/run_e2e_test.py                    in a local Snowflake, 100,000 customers
    python scripts/run_e2e_test.py --customers 5000   quicker
    python scripts/run_e2e_test.py --connection NAME  in an account, in its target dev

Works on a copy of the project, with the commands that a person would type and, for what was made,
the official clients. The six nodes run as six container processes of a task graph. In an account
the image must have been pushed for this commit (``--tag``), so the steps that change code, which
need another image, are left out there. Exits with 1 when something does not hold.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from project_world import CheckError, World, expect, world_of

NODES = (
    "generate_sample_data",
    "preprocess_data",
    "feature_engineering",
    "train_test_split",
    "train_model",
    "evaluate_model",
)


def infrastructure(world: World) -> Iterator[str]:
    """Everything that must stand before a graph does."""
    world.there("infra", "apply", "--yes")
    if world.is_local:
        world.push()
    yield "roles, warehouse, database, pools, repository, stage and tables stand; so does the image"


def deployment(world: World) -> Iterator[str]:
    """A plan is made, approved and carried out; then nothing differs."""
    file = world.folder / "plan.json"
    world.there("plan", *world.tagged, "--out", str(file), "--detailed-exitcode", codes=(2,))
    world.there("deploy", "--plan", str(file), "--yes")
    yield "a plan was written, and exactly it was deployed"
    world.there("plan", *world.tagged, "--detailed-exitcode")
    said = world.there("deploy", *world.tagged, "--yes")
    expect("nothing was changed" in said, f"a second deployment changed something: {said}")
    yield "nothing differs now, and a second deployment changes nothing"


def first_run(world: World) -> Iterator[str]:
    """The graph runs in six containers."""
    began = time.monotonic()
    found = world.run_graph("--param", f"num_customers={world.customers}", "--param", "n_trials=3")
    expect(found == dict.fromkeys(NODES, "succeeded"), f"the nodes ended so: {found}")
    yield (
        f"six containers ran the graph with {world.customers:,} customers"
        f" in {time.monotonic() - began:.0f} s"
    )
    status = world.json("tasks", "status")
    expect(bool(status), "the status is empty")
    logs = world.there("tasks", "logs", "train_model")
    expect("train_model" in logs, "the container's log says nothing")
    yield "status and logs tell of it"


def what_was_made(world: World) -> Iterator[str]:
    """Feature Store, Model Registry, metrics and history, through the official clients."""
    from snowflake.ml.feature_store import CreationMode, FeatureStore
    from snowflake.ml.registry import Registry

    with world.session() as session:
        store = FeatureStore(
            session, "ML_DEV", "ML", "MLOPS_WH", creation_mode=CreationMode.FAIL_IF_NOT_EXIST
        )
        view = store.get_feature_view("CUSTOMER_FEATURES", "v1.0.0")
        frame = store.read_feature_view(view)
        count = frame.count()
        expect(count == world.customers, f"the feature view has {count} rows")
        yield f"feature view CUSTOMER_FEATURES v1.0.0: {count:,} rows, {len(frame.columns)} columns"
        model = Registry(session, database_name="ML_DEV", schema_name="ML").get_model("CHURN_MODEL")
        version = model.default
        metrics = version.show_metrics()
        expect(metrics.get("auc", 0) > 0.7, f"the model has the metrics {metrics}")
        predicted = version.run(frame.limit(100), function_name="predict_proba")
        expect(predicted.count() == 100, "the model scores no rows in SQL")
        yield f"model CHURN_MODEL {version.version_name}: AUC {metrics['auc']:.4f}, and it scores"
        rows = session.sql("SELECT COUNT(*) FROM MLOPS_METRICS").collect()
        expect(rows[0][0] > 0, "no metrics were recorded")
    report = world.folder / "fetched.html"
    world.there("report", "last", "--output", str(report))
    expect(report.stat().st_size > 100_000, "the report is all but empty")
    history = world.json("history")
    expect(history[0]["status"] == "succeeded", f"the history says {history[0]}")
    yield f"metrics, history, and a report of {report.stat().st_size / 1e6:.1f} MB"


def unchanged_run(world: World) -> Iterator[str]:
    """What holds is not made again."""
    params = ("--param", f"num_customers={world.customers}", "--param", "n_trials=3")
    found = world.run_graph(*params)
    expect(found == dict.fromkeys(NODES, "skipped"), f"the nodes ended so: {found}")
    yield "a second run of the graph skips all six nodes"


def changed_node(world: World) -> Iterator[str]:
    """One node asks for more: one task changes."""
    pipeline = world.folder / "src" / "utils" / "pipeline.py"
    before = pipeline.read_text(encoding="utf-8")
    expect('memory_request="8Gi"' in before, "train_model asks for another amount of memory")
    pipeline.write_text(before.replace('memory_request="8Gi"', 'memory_request="10Gi"'), "utf-8")
    said = world.there("plan", *world.tagged, "--detailed-exitcode", codes=(2,))
    expect("TASK_TRAIN_MODEL" in said, f"the plan does not name the task: {said}")
    changed = re.search(r"Plan: (\d+) to create, (\d+) to change, (\d+) to remove", said)
    expect(changed is not None and changed.groups() == ("0", "1", "0"), f"the plan is: {said}")
    world.there("deploy", *world.tagged, "--yes")
    world.there("plan", *world.tagged, "--detailed-exitcode")
    yield "a node asks for more memory: one task was altered, and then nothing differs"


def rolled_back(world: World) -> Iterator[str]:
    """The state before is a plan like any other."""
    world.there("rollback", "--yes")
    said = world.there("plan", *world.tagged, "--detailed-exitcode", codes=(2,))
    expect("TASK_TRAIN_MODEL" in said, f"the roll-back changed nothing: {said}")
    pipeline = world.folder / "src" / "utils" / "pipeline.py"
    after = pipeline.read_text(encoding="utf-8")
    pipeline.write_text(after.replace('memory_request="10Gi"', 'memory_request="8Gi"'), "utf-8")
    world.there("plan", *world.tagged, "--detailed-exitcode")
    yield "rolled back to the deployment before; with the code of then nothing differs"


def failed_and_repaired(world: World) -> Iterator[str]:
    """A node fails; mended and retried, what ran before it is not run again."""
    node = "src/nodes/node_05_train_model.py"
    line = "    features, labels = "
    world.edit(node, line, f'    raise RuntimeError("broken on purpose")\n{line}')
    # Other folds: with more trials alone the same candidate may win, and its evaluation holds.
    params = ("--param", f"num_customers={world.customers}", "--param", "folds=2")
    found = world.run_graph(*params, codes=(1,))
    expect(found.get("train_model") == "failed", f"the nodes ended so: {found}")
    expect("evaluate_model" not in found, "a node ran after one that failed")
    status = world.there("tasks", "status")
    expect("broken on purpose" in status, f"the status does not say why: {status}")
    yield "a node that raises fails its task, and the status shows its traceback"
    world.edit(node, '    raise RuntimeError("broken on purpose")\n', "")
    said = world.there("retry", "last", "--wait")
    found = world.last_run()
    ran = [name for name, state in found.items() if state == "succeeded"]
    expect(set(found) == set(NODES), f"after the retry the nodes ended so: {found}\n{said}")
    expect("failed" not in found.values(), f"after the retry the nodes ended so: {found}")
    expect(ran == ["train_model", "evaluate_model"], f"these ran: {ran}")
    yield "mended and retried: it went on where it had failed, and skipped the four nodes before"


def removed(world: World) -> Iterator[str]:
    """The graph and its pools go; what runs have made stays."""
    world.there("destroy", "--yes")
    with world.session() as session:
        expect(not session.sql("SHOW TASKS").collect(), "tasks are left")
        count = session.sql('SELECT COUNT(*) FROM "CUSTOMER_FEATURES$v1.0.0"').collect()[0][0]
        expect(count == world.customers, "the features are gone")
    yield "tasks and pools are gone, features and history stay"


STEPS: tuple[tuple[Callable[[World], Iterator[str]], bool], ...] = (
    (infrastructure, True),
    (deployment, True),
    (first_run, True),
    (what_was_made, True),
    (unchanged_run, True),
    (changed_node, True),
    (rolled_back, True),
    (failed_and_repaired, False),
    (removed, True),
)
"""Each step, and whether it can be done with the image that was pushed."""


def main() -> int:
    """Take every step and tell of each as it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connection", default="", metavar="NAME", help="of connections.toml")
    parser.add_argument("--tag", default="", help="of the image that was pushed to the account")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--keep", action="store_true", help="leave the folder, to look into it")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="e2e-"))
    began = time.monotonic()
    try:
        with world_of(
            folder, connection=given.connection, customers=given.customers, tag=given.tag
        ) as world:
            for step, with_one_image in STEPS:
                if not with_one_image and not world.is_local:
                    print(f"skip {step.__name__}: needs an image for each change", flush=True)
                    continue
                for line in step(world):
                    print(f"ok   {line} [{time.monotonic() - began:.0f} s]", flush=True)
    except CheckError as failure:
        print(f"FAIL {failure}", flush=True)
        return 1
    finally:
        if given.keep:
            print(f"left {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"Deployment mode works from end to end, in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
