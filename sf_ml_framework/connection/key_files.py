"""Private keys as files: made, read, told apart by the fingerprint of their public half.

Source: Snowflake, "Key-pair authentication and key-pair rotation": RSA of 2048 bits or more, PKCS#8
in PEM form, the fingerprint is the SHA-256 of the public key.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import msgspec

from sf_ml_framework.errors import OperatorError, SettingsError

BITS = (2048, 3072, 4096)


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """The half of a key that may be shown."""

    body: str
    """Base64 without the lines around it, as ALTER USER takes it."""
    fingerprint: str
    """``SHA256:…``, as DESCRIBE USER tells it."""


def make(file: Path, *, bits: int, passphrase: str) -> PublicKey:
    """Write a new private key to *file*, which only its owner may read, and return its other half.

    Args:
        file: must not be there yet: no key is ever written over.
        bits: one of ``BITS``.
        passphrase: encrypts the file; empty: it is not encrypted.

    Raises:
        OperatorError: it cannot be written, or is there already; nothing is left behind.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    part = file.with_name(f".{file.name}.{uuid4().hex[:8]}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
            stream.flush()
            os.fsync(stream.fileno())
        # Whole or not at all, and never over another.
        os.link(part, file)
    except OSError as error:
        raise OperatorError(
            f"the key {file} cannot be written: {error.strerror or error}",
            remedy="name another file with --key-file",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return read(file, passphrase)


def read(file: Path, passphrase: str) -> PublicKey:
    """Return the public half of the private key in *file*.

    Args:
        file: the key.
        passphrase: is used where the file is encrypted.

    Raises:
        SettingsError: it cannot be read, or is no RSA key, or the passphrase is another.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    try:
        pem = file.read_bytes()
        secret = passphrase.encode() if passphrase and needs_passphrase(pem) else None
        key = serialization.load_pem_private_key(pem, secret)
    except OSError as error:
        raise SettingsError(
            f"the private key {file} cannot be read: {error.strerror or error}",
            remedy="name the file that holds the key, with --key-file",
        ) from None
    except TypeError:
        raise SettingsError(
            f"the private key {file} is encrypted, and nothing gives its passphrase",
            remedy="set PRIVATE_KEY_PASSPHRASE",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(
            f"the private key {file} cannot be read: it is no key, or has another passphrase",
            remedy="check the file and PRIVATE_KEY_PASSPHRASE",
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError(
            f"{file} is no RSA key", remedy="let `mlops keys rotate --key-file` make a new one"
        )
    return public(key.public_key())


def is_encrypted(file: Path) -> bool:
    """Say whether the private key of a file needs a passphrase."""
    try:
        return needs_passphrase(file.read_bytes())
    except OSError:
        return False


def needs_passphrase(pem: bytes) -> bool:
    """Say whether a private key in PEM form does: its first lines tell."""
    return b"ENCRYPTED" in pem[:200]


def public(key: object) -> PublicKey:
    """Return the form in which Snowflake knows a public key of the library."""
    import base64
    import hashlib

    from cryptography.hazmat.primitives import serialization

    der: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = base64.b64encode(hashlib.sha256(der).digest()).decode()
    return PublicKey(body=base64.b64encode(der).decode(), fingerprint=f"SHA256:{digest}")
