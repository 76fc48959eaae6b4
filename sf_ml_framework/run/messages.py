"""What a run and its workers say to each other, over one socket for each worker.

A frame is four bytes of length and a MessagePack body; errors travel as data.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import msgspec

from sf_ml_framework.manifest.model import DatasetSpec, NodeSpec
from sf_ml_framework.run.bindings import Bindings
from sf_ml_framework.run.outcome import Failure, Outcome

GRACE_SECONDS = 2.0
"""How long a node that is told to stop may tidy up."""

_LENGTH = struct.Struct(">I")
_CHUNK = 256 * 1024


class Job(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Run this node once; answered by one Outcome or Failure."""

    node: NodeSpec
    bindings: Bindings
    datasets: tuple[DatasetSpec, ...]
    """Those that the bindings name."""
    run_id: str
    commit: str
    """Of the project's code; empty when it is not known."""
    log: str
    """File that gets all that the node prints."""


class Warm(msgspec.Struct, frozen=True, tag=True):
    """Import this module while nothing else is to do; not answered, and nothing depends on it."""

    module: str


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The worker is up; said once."""


Message = Job | Warm | Ready | Outcome | Failure

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


class Channel:
    """One end of the socket between a run and a worker. Who makes it closes it."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._buffer = bytearray()

    def fileno(self) -> int:
        """Return the descriptor, so that a selector can wait for it."""
        return self.socket.fileno()

    def send(self, message: Message) -> None:
        """Send *message* whole.

        Raises:
            OSError: the other end is gone.
        """
        body = _ENCODER.encode(message)
        self.socket.sendall(_LENGTH.pack(len(body)) + body)

    def receive(self, *, wait: bool = True) -> list[Message] | None:
        """Return the messages that have come whole; none when the other end is gone.

        Waits for at least one byte, unless told not to *wait*.
        """
        try:
            chunk = self.socket.recv(_CHUNK, 0 if wait else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            chunk = b""
        if not chunk:
            return None
        self._buffer += chunk
        return list(self._frames())

    def close(self) -> None:
        """Close this end; the other one reads the end of the stream."""
        self.socket.close()

    def _frames(self) -> Iterator[Message]:
        while len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield _DECODER.decode(body)
