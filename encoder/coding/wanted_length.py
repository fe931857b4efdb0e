"""Streams of a wanted length: a choice rounded more or less readily towards zero, or one between two others."""

from __future__ import annotations

from decoder_pkg.payload import SideInformation

from ..candidates import Candidate
from ..codecs import Latents, coding_setting
from ..pictures import Pixels
from ..search import search_to_fit
from .analysed_picture import AnalysedPicture
from .payload import QuantisedPicture, encode_payload
from .rounding import ERROR_BITS
from .splice import parts_of, side_of, splice_to_fit

ROUNDING_OCTAVES = 3.0
"""How far RDOQ's price of an error may be from its best, in octaves, where a stream is made as long as fits."""

OCTAVE_GROWTH = 0.03
"""Share of its bytes by which a stream grows, about, where that price doubles."""


def round_to_fit(picture: AnalysedPicture, chosen: Candidate, room: range) -> tuple[Candidate, Pixels]:
    """A choice again, its latents rounded so readily towards zero that it is as long as fits, and the decoded picture.

    Args:
      picture: under the model of the choice.
      chosen: a candidate that was not refined; its post-filters stay.
      room: payload lengths that are good enough; its end is not reached.
    """
    setting, plain = coding_setting(chosen.header.gain, chosen.header.q), chosen.header.length
    side = side_of(chosen, picture.filters)
    last: dict[float, QuantisedPicture] = {}  # one at a time: those of a large picture fill the memory

    def quantised(octaves: float) -> QuantisedPicture:
        if octaves not in last:
            last.clear()
            last[octaves] = picture.quantise(setting, error_bits=ERROR_BITS * 2**octaves)
        return last[octaves]

    def length(octaves: float) -> int:
        return len(encode_payload(quantised(octaves), side))

    octaves = search_to_fit(length, (0.0, plain), OCTAVE_GROWTH * plain, room, ROUNDING_OCTAVES)
    return picture.code(quantised(octaves), setting, side.filters)


def splice_between(
    picture: AnalysedPicture, small: Candidate, large: Candidate, room: range, origin: float
) -> tuple[Candidate, Pixels]:
    """The stream with most of the larger candidate that is short enough, and the decoded picture.

    Args:
      picture: under the model of both.
      small: a candidate, whose post-filters stay.
      large: another one at the same gain and q.
      room: payload lengths that are good enough; its end must not be reached.
      origin: height, as a share in [0, 1), below which the larger one's part begins.
    """
    setting = coding_setting(small.header.gain, small.header.q)
    (latents, chain), (larger, _) = (parts_of(picture.model, one, picture.filters) for one in (small, large))

    def length(spliced: Latents) -> int:
        return len(encode_payload(picture.quantise(setting, spliced), SideInformation(setting.gain, chain)))

    return picture.encode(setting, splice_to_fit(larger, latents, length, room, origin), chain)
