"""The statements of docs/explanation/what-differs.md run; those that it calls wrong do not."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from snowflake.connector import ProgrammingError, SnowflakeConnection, connect

from sf_ml_framework.emulator import Emulator
from tests.integration.docs.pages import blocks_of

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "explanation" / "what-differs.md"
IMAGE = "/ml_dev/ml/mlops_images/mlops_framework:latest"


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Iterator[SnowflakeConnection]:
    """A session in the schema of the compiled script, with the churn project as the image."""
    project = tmp_path_factory.mktemp("image")
    for name in ("src", "mlops.yml", "Dockerfile", "requirements.txt"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    script = (ROOT / "tasks" / "create_pipeline_tasks.sql").read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, Emulator() as emulator:
        patch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
        with connect(**emulator.connection) as opened:
            list(opened.execute_string(script))
            emulator.add_image(IMAGE, project=str(project))
            yield opened


@pytest.fixture
def connection(session: SnowflakeConnection) -> SnowflakeConnection:
    """The session, as the role that deploys."""
    list(session.execute_string("USE ROLE MLOPS_DEPLOY_ROLE; USE SCHEMA ML_DEV.ML;"))
    return session


STATEMENTS = [
    block.body for block in blocks_of(PAGE.read_text(encoding="utf-8")) if block.language == "sql"
]


@pytest.mark.slow
@pytest.mark.parametrize("statements", STATEMENTS, ids=lambda text: " ".join(text.split()[:3]))
def test_the_right_form_runs(connection, statements):
    for cursor in connection.execute_string(statements):
        cursor.fetchall()


@pytest.mark.slow
def test_a_node_that_was_run_by_hand_leaves_its_table(connection):
    (job,) = [text for text in STATEMENTS if text.startswith("EXECUTE JOB SERVICE")]
    connection.cursor().execute(job)

    rows = connection.cursor().execute('SELECT COUNT(*) FROM "RAW_CUSTOMERS$v1.0.0"').fetchone()
    assert rows == (50,)


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "EXECUTE SERVICE job-generate-data IN COMPUTE POOL MLOPS_COMPUTE_POOL",
        "SELECT * FROM TABLE(INFORMATION_SCHEMA.COMPUTE_POOL_HISTORY())",
        "ALTER TASK task_preprocess_data RESUME",
    ],
)
def test_what_is_called_wrong_is_refused(connection, statement):
    connection.cursor().execute("ALTER TASK TASK_CUSTOMER_CHURN RESUME")

    with pytest.raises(ProgrammingError):
        connection.cursor().execute(statement)
