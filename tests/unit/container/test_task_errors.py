"""What to do about a task that failed without a word of its node."""

import pytest

from sf_ml_framework.places.snowflake.task_errors import remedy_of


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            "Job J failed with status: FAILED. container main: Exited with code 137",
            "memory_request",
        ),
        ("Container main: OOMKilled", "memory_request"),
        ("Task timed out: it ran longer than USER_TASK_TIMEOUT_MS allows.", "timeout_minutes"),
        ("Job J failed. container main: Exited with code 143", "told to stop"),
        ("container main: Exited with code 127", "Dockerfile"),
        ("container main: Exited with code 3", "mlops tasks logs"),
        ("Compute pool 'P' is suspended and AUTO_RESUME is FALSE", "ALTER COMPUTE POOL"),
        ("Compute pool 'P' does not exist or not authorized.", "`mlops infra apply`"),
        ("Failed to retrieve image '/d/s/r/i:t' from the image repository", "build and push it"),
        ("resource monitor 'M' has exceeded its quota", "CREDIT_QUOTA"),
        (
            "Cannot execute task, EXECUTE TASK privilege must be granted to owner role",
            "GRANT EXECUTE TASK ON ACCOUNT TO ROLE <role>;",
        ),
        ("something that nobody has seen", ""),
        ("", ""),
    ],
)
def test_each_known_error_has_its_remedy(error, told):
    assert told in remedy_of(error)
    assert bool(remedy_of(error)) == bool(told)
