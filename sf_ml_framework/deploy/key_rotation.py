"""Change the key of a user without a moment in which none works.

A user has two slots for public keys. The new key is made beside the old one, registered in the free
slot, and proven by signing in; then its file takes the old one's place, in one step that cannot be
half done; only then is the old public half unset, and the old file removed. Each step is seen in
what stands: the two slots, and the files ``<key>.next`` and ``<key>.old``. So a rotation that was
stopped anywhere goes on where it was, and at every moment the file of the key signs in.

Source: Snowflake, "Key-pair authentication and key-pair rotation".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from sf_ml_framework.connection import key_files
from sf_ml_framework.connection.key_files import PublicKey
from sf_ml_framework.deploy.faults import DeployError
from sf_ml_framework.errors import FrameworkError

SlotName = Literal["RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"]

Step = Literal["make", "register", "prove", "place", "unset", "forget"]

WORDS: dict[Step, str] = {
    "make": "make a new private key, {next}",
    "register": "register its public half in {slot} of {user}",
    "prove": "sign in as {user} with the new key",
    "place": "put it in the place of {file}",
    "unset": "unset {old_slot}: the old key then signs in nowhere",
    "forget": "remove the old private key, {old}",
}


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two places of a user's public keys."""

    name: SlotName
    fingerprint: str = ""
    """Empty: it is free."""
    set_at: str = ""
    """When, ISO 8601; empty where the account does not tell."""


class KeyRegister(Protocol):
    """The public keys of one user, as ``places/snowflake/user_keys.py`` holds them."""

    def slots(self) -> tuple[Slot, ...]:
        """Return both slots, the first one first."""
        ...

    def register(self, slot: SlotName, public: PublicKey) -> None:
        """Put a public key into a slot."""
        ...

    def unset(self, slot: SlotName) -> None:
        """Empty a slot."""
        ...

    def prove(self, file: Path, passphrase: str) -> None:
        """Sign in with a private key; raise where that does not work."""
        ...


class Rotation:
    """One user's key on its way to the next one; what is done is read from what stands.

    Args:
        register: the user's public keys.
        user: its name.
        file: the private key that is in use; where it is not there, it is the first one.
        passphrase: of that file, and of the new one; empty: they are not encrypted.
        bits: of the new key.
        keep_old: stop before the old key is unset; ``finish`` does that later.
        replace_unused: take the slot of a key that is not *file*'s where none is free.
        told: called before each step.
    """

    def __init__(
        self,
        register: KeyRegister,
        *,
        user: str,
        file: Path,
        passphrase: str = "",
        bits: int = 2048,
        keep_old: bool = False,
        replace_unused: bool = False,
        told: Callable[[Step, str], None] = lambda step, words: None,
    ) -> None:
        self._register = register
        self._user = user
        self._file, self._bits, self._passphrase = file, bits, passphrase
        self._keep_old, self._replace_unused, self._told = keep_old, replace_unused, told
        self._next = file.with_name(f"{file.name}.next")
        self._old = file.with_name(f"{file.name}.old")

    def ahead(self) -> list[tuple[Step, str]]:
        """Return the steps that are still to be taken, in words; changes nothing.

        Raises:
            DeployError: there is no free slot.
            SettingsError: one of the files cannot be read.
        """
        slots = self._register.slots()
        if self._is_placed():
            return [(step, self._words(step, slots)) for step in self._last(slots)]
        steps: list[Step] = [] if self._next.exists() else ["make"]
        if self._next.exists() and self._held(slots, self._next):
            steps += ["prove", "place"]
        else:
            self._free(slots)
            steps += ["register", "prove", "place"]
        if self._file.exists() and not self._keep_old:
            steps += ["unset"] if self._held(slots, self._file) else []
            steps += ["forget"]
        return [(step, self._words(step, slots)) for step in steps]

    def run(self) -> PublicKey:
        """Take all steps that are ahead, and return the key that is then in use.

        Raises:
            FrameworkError: a step failed. Both keys still work as they did; run it again.
        """
        for step, words in self.ahead():
            self._told(step, words)
            self._take(step)
        return key_files.read(self._file, self._passphrase)

    def _take(self, step: Step) -> None:
        match step:
            case "make":
                key_files.make(self._next, bits=self._bits, passphrase=self._passphrase)
            case "register":
                slot = self._free(self._register.slots())
                self._register.register(slot, key_files.read(self._next, self._passphrase))
            case "prove":
                self._prove()
            case "place":
                self._place()
            case "unset":
                self._unset()
            case "forget":
                self._old.unlink(missing_ok=True)

    def _prove(self) -> None:
        try:
            self._register.prove(self._next, self._passphrase)
        except FrameworkError as error:
            raise DeployError(
                f"the new key of {self._user} does not sign in yet: {error}; the old one still"
                " works, and nothing is lost",
                remedy=error.remedy or "mend it and run the same command again: it goes on here",
            ) from error

    def _place(self) -> None:
        """Let the new file take the place of the old one, which is kept beside it."""
        if self._file.exists() and not self._old.exists():
            # A second name for the same file: at no moment is there none in its place.
            os.link(self._file, self._old)
        self._next.replace(self._file)

    def _unset(self) -> None:
        if not self._old.exists():
            return
        old = key_files.read(self._old, self._passphrase)
        for slot in self._register.slots():
            if slot.fingerprint == old.fingerprint:
                self._register.unset(slot.name)

    def _is_placed(self) -> bool:
        """Say whether the new file is in its place already, and only the end is missing."""
        return self._old.exists() and not self._next.exists()

    def _last(self, slots: tuple[Slot, ...]) -> list[Step]:
        if self._keep_old:
            return []
        return [*(["unset"] if self._held(slots, self._old) else []), "forget"]  # type: ignore[list-item]

    def _held(self, slots: tuple[Slot, ...], file: Path) -> SlotName | None:
        """Return the slot that holds the public half of *file*."""
        if not file.exists():
            return None
        fingerprint = key_files.read(file, self._passphrase).fingerprint
        return next((slot.name for slot in slots if slot.fingerprint == fingerprint), None)

    def _free(self, slots: tuple[Slot, ...]) -> SlotName:
        """Return the slot for the new key.

        Raises:
            DeployError: both are taken, and none may be given up.
        """
        for slot in slots:
            if not slot.fingerprint:
                return slot.name
        used = self._held(slots, self._file)
        others = [slot for slot in slots if slot.name != used]
        if used is None or not self._replace_unused:
            raise DeployError(
                f"both slots of {self._user} are taken: "
                + ", ".join(f"{slot.name} {slot.fingerprint}" for slot in slots),
                remedy="mlops keys retire unsets the one that is not in use, or give"
                " --replace-unused",
            )
        return others[0].name

    def _words(self, step: Step, slots: tuple[Slot, ...]) -> str:
        old = self._old if self._is_placed() else self._file
        slot = ""
        if step == "register":
            slot = self._free(slots)
        return WORDS[step].format(
            user=self._user,
            file=self._file,
            next=self._next,
            old=self._old,
            slot=slot,
            old_slot=self._held(slots, old) if step == "unset" else "",
        )


def unused(register: KeyRegister, file: Path, passphrase: str) -> list[Slot]:
    """Return the slots whose keys are not that of *file*; the file's own must be registered.

    Raises:
        DeployError: it is not: unsetting the others would lock the user out.
        SettingsError: the file cannot be read.
    """
    fingerprint = key_files.read(file, passphrase).fingerprint
    slots = [slot for slot in register.slots() if slot.fingerprint]
    if fingerprint not in {slot.fingerprint for slot in slots}:
        raise DeployError(
            f"the key {file} ({fingerprint}) is not registered; nothing was unset",
            remedy="name the key that is in use with --key-file",
        )
    return [slot for slot in slots if slot.fingerprint != fingerprint]
