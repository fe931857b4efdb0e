"""A bundle with the AV1 codec alone, and pictures for it."""

from __future__ import annotations

from safetensors.numpy import save

from decoder_pkg.codecs import CodingSetting, Integers
from decoder_pkg.codecs.av1 import Av1Codec
from decoder_pkg.entropy import UniformSymbols, new_payload, shortest_payload
from decoder_pkg.gains import GainField
from decoder_pkg.models import Bundle, DecoderModel
from decoder_pkg.payload import SideInformation, checksum, write_side_information
from decoder_pkg.pixels.filters import FilterChain
from decoder_pkg.stream import Entry, ImageHeader

MODEL, PLAIN = 9, CodingSetting(GainField(24), 128)
WEIGHTS = save({}, {"architecture": str(Av1Codec.architectures[0].id), "exponents": "{}"})
BUNDLE = Bundle({MODEL: DecoderModel(WEIGHTS)}, {})


def entry_of(integers: Integers, size: tuple[int, int], filters: FilterChain | None = None) -> Entry:
    """A picture with the right checksum, whatever its integers are."""
    coder, side = new_payload(), SideInformation(PLAIN.gain, filters or FilterChain())
    write_side_information(coder, side)
    for grid in integers.values():
        UniformSymbols(len(grid), 256).encode(coder, grid[:, :, 0])
    payload = shortest_payload(coder)
    header = ImageHeader(MODEL, 24, 128, side.records, size[1], size[0], len(payload), checksum(payload, integers))
    return Entry("picture", header, payload)
