"""The range coder's words as the bytes of a payload, and back."""

from __future__ import annotations

import constriction
import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptPayload
from .interface import Coder

STATE_BITS = 64
"""Width of the range coder's state."""


def open_payload(payload: bytes) -> Coder:
    """A range decoder at the start of a payload.

    Raises:
      CorruptPayload: it ends in a zero byte, as no payload does.
    """
    if payload.endswith(b"\0"):
        raise CorruptPayload("a payload never ends in a zero byte")
    return constriction.stream.queue.RangeDecoder(payload_words(payload))


def new_payload() -> Coder:
    """A range encoder, see `shortest_payload`."""
    return constriction.stream.queue.RangeEncoder()


def payload_words(payload: bytes) -> NDArray[np.uint32]:
    """The range coder's words: big-endian, the last one completed by zeros."""
    return np.frombuffer(payload + bytes(-len(payload) % 4), dtype=">u4").astype(np.uint32)


def shortest_payload(coder: Coder) -> bytes:
    """The fewest bytes from which the reader, who completes them with zeros, finds the way to the end.

    The coder's state is the interval [low, low + size) of 64-bit numbers that may follow the words already out.
    """
    written, (low, size) = coder.pos()
    words = coder.get_compressed().astype(">u4").tobytes()
    if low + size > 1 << STATE_BITS:  # a carry into the words is still open: the library closes it
        return bytes(words.rstrip(b"\0"))
    for length in range(STATE_BITS // 8 + 1):
        unit = 1 << STATE_BITS - 8 * length
        end = -(-low // unit) * unit
        if end < low + size:
            break
    return bytes((words[: 4 * written] + end.to_bytes(8, "big")[:length]).rstrip(b"\0"))
