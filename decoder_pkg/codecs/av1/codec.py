"""AV1: the integers are the bytes of the AV1 data themselves, and Pillow makes the picture of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...entropy import CodingStep, Exchange, Grid, UniformSymbols
from ...errors import CorruptPayload
from ...stream import most_payload_bytes
from ..interface import Architecture, CodingSetting, GridShape, IntegerCodec, Integers, Size
from ..layers import Layer
from .container import avif_file
from .headers import read_av1
from .pillow import decode_avif

# torch takes most of the start-up: what needs no pixels does without it.
if TYPE_CHECKING:
    from ...pixels.render import Tile

LENGTH = "length"
"""Name of the grid that holds the bytes of the data's length, lowest first."""

DATA = "av1"
"""Name of the grid that holds the bytes of the data."""

LENGTH_BYTES = 3
BYTE_VALUES = 256


@dataclass(frozen=True)
class Av1Architecture(Architecture):
    """A codec that has nothing to learn: its weight file has no tensors."""


class Av1Codec(IntegerCodec[Av1Architecture]):
    """Bytes of a sequence header and a frame, after their number; gain and q stand for no choice of the decoder's."""

    architectures = (Av1Architecture(id=34, name="av1"),)
    needs = "Pillow with AVIF (11.3 or later)"

    @staticmethod
    def layers(arch: Av1Architecture) -> Sequence[Layer]:
        return ()

    def grids(self, size: Size) -> dict[str, GridShape]:
        return {LENGTH: GridShape(LENGTH_BYTES, 1, 1, 1)}

    def walk(self, size: Size, setting: CodingSetting, exchange: Exchange) -> Integers:
        length = exchange(_bytes_step(LENGTH, LENGTH_BYTES))
        count = int.from_bytes(_to_bytes(length), "little")
        if count > most_payload_bytes(*size):
            raise CorruptPayload(f"{count} bytes of AV1 data are more than a picture of {size[1]}x{size[0]} may have")
        data = exchange(_bytes_step(DATA, count))
        header = read_av1(_to_bytes(data))
        if (header.height, header.width) != size:
            found = f"{header.width}x{header.height}"
            raise CorruptPayload(f"the AV1 data is a picture of {found}, not {size[1]}x{size[0]}")
        return {LENGTH: length[:, :, None], DATA: data[:, :, None]}

    def synthesise(self, integers: Integers, setting: CodingSetting, margin: int) -> Iterator[Tile]:
        from ...pixels.render import picture_tiles

        data = _to_bytes(integers[DATA])
        header = read_av1(data)
        return picture_tiles(decode_avif(avif_file(header, data), (header.height, header.width)), margin)

    def build(self) -> None:
        pass

    def place(self, device: str) -> None:
        pass


def av1_integers(data: bytes) -> Integers:
    """The integers that stand for AV1 data, as `Av1Codec.decode` returns them.

    Raises:
      OverflowError: it is longer than the length can tell.
    """
    length = len(data).to_bytes(LENGTH_BYTES, "little")
    return {
        name: np.frombuffer(part, np.uint8).astype(np.int32)[:, None, None]
        for name, part in ((LENGTH, length), (DATA, data))
    }


def _bytes_step(grid: str, count: int) -> CodingStep:
    mean = np.zeros((count, 1), dtype=np.int32)
    return CodingStep(grid, np.arange(count), mean, 1, UniformSymbols(count, BYTE_VALUES))


def _to_bytes(grid: Grid) -> bytes:
    return grid.astype(np.uint8).tobytes()
