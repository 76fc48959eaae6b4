import fcntl
import os

import pytest

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.run.lock import FILE, Holder, RunLock, read_holder

FIRST = Holder(run_id="20260101-000000-aaaa", pid=os.getpid(), command="mlops run")
SECOND = Holder(run_id="20260101-000001-bbbb", pid=os.getpid(), command="mlops run --force")


def test_a_second_run_is_refused_and_told_who_holds_the_folder(tmp_path):
    with RunLock(tmp_path, FIRST), pytest.raises(OperatorError) as caught:
        RunLock(tmp_path, SECOND).__enter__()

    assert FIRST.run_id in str(caught.value)
    assert f"process {os.getpid()}, `mlops run`" in str(caught.value)
    assert "--wait" in caught.value.remedy


def test_the_lock_is_free_again_afterwards(tmp_path):
    with RunLock(tmp_path, FIRST):
        assert read_holder(tmp_path / FILE) == FIRST

    assert read_holder(tmp_path / FILE) is None
    with RunLock(tmp_path, SECOND):
        assert read_holder(tmp_path / FILE) == SECOND


def test_a_lock_file_that_nobody_holds_is_no_obstacle(tmp_path):
    """Whoever was killed left the file, and the system took the lock back."""
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text('{"run_id": "dead", "pid": 1, "command": "a much longer text"}')

    with RunLock(tmp_path, FIRST):
        assert read_holder(tmp_path / FILE) == FIRST


def test_who_has_just_begun_is_told_without_a_name(tmp_path):
    (tmp_path / FILE).parent.mkdir()
    descriptor = os.open(tmp_path / FILE, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    with pytest.raises(OperatorError, match="it has just begun"):
        RunLock(tmp_path, SECOND).__enter__()
    os.close(descriptor)


def test_a_folder_that_cannot_be_written_is_the_operator_s(tmp_path):
    (tmp_path / ".mlops").write_text("a file where a folder should be")

    with pytest.raises(OperatorError) as caught:
        RunLock(tmp_path, FIRST).__enter__()

    assert "right to write" in caught.value.remedy
