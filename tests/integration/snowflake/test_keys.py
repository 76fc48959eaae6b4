"""``mlops keys``: a key is changed without a moment in which none works, wherever it is stopped."""

from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path
from typing import Any

import pytest

from sf_ml_framework.connection import key_files
from sf_ml_framework.deploy.faults import DeployError
from sf_ml_framework.deploy.key_rotation import Rotation, Step
from sf_ml_framework.errors import FrameworkError, OperatorError, SettingsError
from sf_ml_framework.places.snowflake.user_keys import UserKeys
from tests.integration.snowflake.called import Project, environ_of

STEPS: tuple[Step, ...] = ("make", "register", "prove", "place", "unset", "forget")


@pytest.fixture
def admin(make_account):
    return make_account(role="ACCOUNTADMIN")


@pytest.fixture
def keys(admin):
    """The keys of a service user that has none yet."""
    user = f"U_{uuid.uuid4().hex[:8]}".upper()
    admin.execute(f"create user {user} type = service")
    yield UserKeys(admin, user)
    admin.execute(f"drop user {user}")


@pytest.fixture
def user(keys) -> str:
    return keys._user


@pytest.fixture
def file(tmp_path, keys) -> Path:
    """The key that is in use: in the first slot."""
    made = tmp_path / "key.p8"
    keys.register("RSA_PUBLIC_KEY", key_files.make(made, bits=2048, passphrase=""))
    return made


def fingerprints(keys) -> list[str]:
    return [slot.fingerprint for slot in keys.slots()]


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_key_is_changed_and_the_old_one_signs_in_nowhere(keys, user, file, tmp_path):
    old = tmp_path / "copy"
    old.write_bytes(file.read_bytes())
    seen: list[Step] = []

    new = Rotation(keys, user=user, file=file, told=lambda step, _: seen.append(step)).run()

    assert tuple(seen) == STEPS
    assert fingerprints(keys) == ["", new.fingerprint]
    assert [each.name for each in sorted(tmp_path.glob("key*"))] == ["key.p8"]
    assert mode_of(file) == 0o600
    keys.prove(file, "")
    with pytest.raises(OperatorError):
        keys.prove(old, "")


def test_a_second_rotation_takes_the_slot_that_the_first_one_left(keys, user, file):
    Rotation(keys, user=user, file=file).run()

    new = Rotation(keys, user=user, file=file).run()

    assert fingerprints(keys) == [new.fingerprint, ""]


class Stopped(BaseException):
    """Stands for Ctrl-C, a lost machine, kill -9: nothing of the program goes on after it."""


@pytest.mark.parametrize("last", STEPS)
def test_wherever_it_is_stopped_the_file_signs_in_and_the_next_call_ends_it(
    keys, user, file, tmp_path, last
):
    def stopping(step: Step, words: str) -> None:
        if step == last:
            raise Stopped

    with pytest.raises(Stopped):
        Rotation(keys, user=user, file=file, told=stopping).run()
    keys.prove(file, "")

    new = Rotation(keys, user=user, file=file).run()

    keys.prove(file, "")
    assert sorted(fingerprints(keys)) == ["", new.fingerprint]
    assert [each.name for each in sorted(tmp_path.glob("key*"))] == ["key.p8"]


def test_between_the_second_name_and_the_new_file_nothing_is_lost(keys, user, file):
    """What a power cut leaves in the middle of the one step that touches the file in use."""
    next_file, old = file.with_name("key.p8.next"), file.with_name("key.p8.old")
    made = key_files.make(next_file, bits=2048, passphrase="")
    keys.register("RSA_PUBLIC_KEY_2", made)
    os.link(file, old)
    keys.prove(file, "")

    new = Rotation(keys, user=user, file=file).run()

    assert new == made
    assert fingerprints(keys) == ["", made.fingerprint]


def test_a_new_key_that_does_not_sign_in_takes_no_place(keys, user, file, admin):
    before = file.read_bytes()

    def disabling(step: Step, words: str) -> None:
        if step == "prove":
            admin.execute(f"alter user {user} set disabled = true")

    with pytest.raises(DeployError, match="the old one still works") as caught:
        Rotation(keys, user=user, file=file, told=disabling).run()
    assert file.read_bytes() == before
    assert all(fingerprints(keys))
    assert caught.value.remedy

    admin.execute(f"alter user {user} set disabled = false")
    new = Rotation(keys, user=user, file=file).run()

    assert fingerprints(keys) == ["", new.fingerprint]


def test_where_both_slots_are_taken_nothing_is_done_until_one_may_go(keys, user, file, tmp_path):
    other = key_files.make(tmp_path / "other.p8", bits=2048, passphrase="")
    keys.register("RSA_PUBLIC_KEY_2", other)
    before, held = fingerprints(keys), file.read_bytes()

    with pytest.raises(DeployError, match="both slots"):
        Rotation(keys, user=user, file=file).run()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["key.p8", "other.p8"]
    assert file.read_bytes() == held
    assert fingerprints(keys) == before == [key_files.read(file, "").fingerprint, other.fingerprint]
    new = Rotation(keys, user=user, file=file, replace_unused=True).run()

    assert fingerprints(keys) == ["", new.fingerprint]


def test_a_first_key_is_made_where_there_is_none(keys, user, tmp_path):
    file = tmp_path / "fresh" / "key.p8"

    new = Rotation(keys, user=user, file=file).run()

    assert fingerprints(keys) == [new.fingerprint, ""]
    assert (mode_of(file), mode_of(file.parent)) == (0o600, 0o700)


def test_an_encrypted_key_is_followed_by_an_encrypted_one(keys, user, tmp_path, canary):
    file, passphrase = tmp_path / "key.p8", canary("passphrase")
    Rotation(keys, user=user, file=file, passphrase=passphrase).run()

    Rotation(keys, user=user, file=file, passphrase=passphrase, bits=3072).run()

    assert b"ENCRYPTED" in file.read_bytes()
    keys.prove(file, passphrase)
    with pytest.raises(SettingsError, match="another passphrase") as caught:
        key_files.read(file, "wrong")
    assert passphrase not in str(caught.value)


def test_a_key_is_never_written_over(tmp_path):
    file = tmp_path / "key.p8"
    key_files.make(file, bits=2048, passphrase="")
    before = file.read_bytes()

    with pytest.raises(OperatorError, match="cannot be written"):
        key_files.make(file, bits=2048, passphrase="")

    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["key.p8"]


def test_what_is_no_key_is_told_by_name_and_never_shown(tmp_path):
    file = tmp_path / "key.p8"
    file.write_text("-----BEGIN PRIVATE KEY-----\nnot-a-key-at-all\n", encoding="utf-8")

    with pytest.raises(FrameworkError) as caught:
        key_files.read(file, "")

    assert str(file) in str(caught.value)
    assert "not-a-key" not in str(caught.value)


# As a person calls it.


@pytest.fixture
def project(tmp_path, database, connection_flags, monkeypatch, capsys) -> Project:
    for key, value in environ_of(connection_flags).items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("PRIVATE_KEY_PASSPHRASE", raising=False)
    return Project(tmp_path, database, monkeypatch, capsys)


def test_an_administrator_gives_a_user_its_first_key_and_the_next(project, user, keys, tmp_path):
    file = tmp_path / "outside" / "ci.p8"
    words = ("--user", user, "--key-file", str(file))

    dry = project.works("keys", "rotate", *words, "--dry-run")
    first = project.works("keys", "rotate", *words, "--yes")
    kept = project.works("keys", "rotate", *words, "--yes", "--keep-old", "--bits", "3072")
    both = project.works("keys", "ls", *words, "--format", "json").json
    ended = project.works("keys", "retire", *words, "--yes")
    one = project.works("keys", "ls", *words, "--format", "json").json

    assert dry.out.splitlines() == [
        f"1. make a new private key, {file}.next",
        f"2. register its public half in RSA_PUBLIC_KEY of {user}",
        f"3. sign in as {user} with the new key",
        f"4. put it in the place of {file}",
    ]
    assert not dry.err
    assert f"{user} signs in with SHA256:" in first.out
    assert "mlops keys retire" in kept.err
    assert [bool(row["fingerprint"]) for row in both] == [True, True]
    assert [row["file"] for row in both] == ["", str(file)]
    assert ended.out == f"unset RSA_PUBLIC_KEY of {user}\n"
    assert [bool(row["fingerprint"]) for row in one] == [False, True]
    assert one[1]["age_days"] == 0
    assert list(file.parent.iterdir()) == [file]


@pytest.fixture
def as_itself(project, user, keys, file, admin, monkeypatch) -> Any:
    """The user itself is who calls: its connection signs in with the key."""
    role = f"{project.database}_DEPLOY_ROLE"
    admin.execute(f"create role {role}")
    admin.execute(f"grant role {role} to user {user}")
    monkeypatch.delenv("SNOWFLAKE_PASSWORD")
    monkeypatch.setenv("SNOWFLAKE_USER", user)
    monkeypatch.setenv("SNOWFLAKE_PRIVATE_KEY_FILE", str(file))
    yield role
    admin.execute(f"drop role {role}")


def test_a_user_changes_its_own_key_once_it_may_and_signs_in_with_the_same_file(
    project, user, keys, file, admin, as_itself
):
    before = file.read_bytes()
    refused = project.call("keys", "rotate", "--yes")
    admin.execute(
        f"grant modify programmatic authentication methods on user {user} to role {as_itself}"
    )

    done = project.works("keys", "rotate", "--yes")

    assert refused.code == 3
    assert f"ON USER {user} TO ROLE {as_itself}" in refused.err
    assert file.read_bytes() != before
    assert done.out.startswith(f"{user} signs in with SHA256:")
    listed = project.works("keys", "ls", "--format", "json").json
    assert [row["file"] for row in listed] == ["", str(file)]


def test_nothing_is_done_without_a_yes(project, user, keys, file):
    asked = project.call("keys", "rotate", "--user", user, "--key-file", str(file))

    assert (asked.code, "nobody is here to be asked" in asked.err) == (3, True)
    assert [bool(each) for each in fingerprints(keys)] == [True, False]


def test_the_key_in_use_is_never_retired(project, user, keys, file, tmp_path):
    other = tmp_path / "other.p8"
    key_files.make(other, bits=2048, passphrase="")

    ended = project.call("keys", "retire", "--user", user, "--key-file", str(other), "--yes")

    assert ended.code == 3
    assert "is not registered; nothing was unset" in ended.err
    assert [bool(each) for each in fingerprints(keys)] == [True, False]


def test_a_user_without_a_key_file_is_asked_for_one(project, user):
    ended = project.call("keys", "rotate", "--user", user, "--yes")

    assert (ended.code, "--key-file" in ended.err) == (2, True)


def test_the_passphrase_is_asked_for_nowhere_else_than_in_the_environment(
    project, user, tmp_path, monkeypatch, canary
):
    file, passphrase = tmp_path / "outside.p8", canary("passphrase")
    words = ("--user", user, "--key-file", str(file), "--encrypt", "--yes")
    missing = project.call("keys", "rotate", *words)
    monkeypatch.setenv("PRIVATE_KEY_PASSPHRASE", passphrase)

    done = project.works("keys", "rotate", *words, "--debug")

    assert (missing.code, "set PRIVATE_KEY_PASSPHRASE" in missing.err) == (2, True)
    assert b"ENCRYPTED" in file.read_bytes()
    assert passphrase not in done.all
