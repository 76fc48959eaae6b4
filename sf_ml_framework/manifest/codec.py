"""The manifest as canonical JSON: one text for one manifest, and back."""

from __future__ import annotations

import msgspec

from sf_ml_framework.errors import SettingsError
from sf_ml_framework.manifest.model import FORMAT, Manifest

_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(Manifest)


def encode(manifest: Manifest) -> bytes:
    """Return *manifest* as JSON with sorted keys and no white space.

    ``decode(encode(m)) == m`` for every manifest, and equal manifests have equal bytes.
    """
    return _ENCODER.encode(manifest)


def decode(data: bytes) -> Manifest:
    """Return the manifest that *data* holds.

    Raises:
        SettingsError: it is no manifest, or one of another format.
    """
    try:
        manifest = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"this is no manifest: {error}", remedy="compile the project again"
        ) from error
    if manifest.format != FORMAT:
        raise SettingsError(
            f"the manifest has format {manifest.format}, and this version reads {FORMAT}",
            remedy="compile the project again",
        )
    return manifest
