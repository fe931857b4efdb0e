"""Between two streams of one picture: the latents of both, cut at a position, fill a budget to the last bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from decoder_pkg.codecs import LATENTS
from decoder_pkg.entropy import Grid, open_payload
from decoder_pkg.grids import HYPER_STRIDE
from decoder_pkg.payload import SideInformation, decode_payload, read_side_information
from decoder_pkg.pixels.filters import FilterChain

from ..candidates import Candidate
from ..codecs import Latents, each, stride_of
from ..models import EncoderModel
from .interface import Filters


def side_of(candidate: Candidate, filters: Filters) -> SideInformation:
    """The side information of a stream, without its latents."""
    return read_side_information(open_payload(candidate.payload), candidate.header, filters)


def parts_of(model: EncoderModel, candidate: Candidate, filters: Filters) -> tuple[Latents, FilterChain]:
    """The latents of a stream, and its post-filters; coded again they give the same bytes.

    Args:
      model: that the candidate names.
      candidate: a coded picture.
      filters: of the bundle.
    """
    codec, header = model.decoder.codec, candidate.header
    decoded = decode_payload(codec, candidate.payload, header, filters)
    shapes = codec.grids((header.height, header.width))
    latents = {name: _tensor(grid) / shapes[name].steps for name, grid in decoded.integers.items()}
    return latents, decoded.side.filters


def _tensor(grid: Grid) -> Tensor:
    return torch.from_numpy(grid).permute(2, 0, 1)[None].float()


def splice(first: Latents, second: Latents, bands: Sequence[int], band: int, latents: int) -> Latents:
    """Latents of `first` in some places, of `second` in all others.

    Args:
      first: all grids of one stream.
      second: those of the other.
      bands: numbers of bands of HYPER_STRIDE rows of latents, with all that belongs to them, that are of the first.
      band: another one, in which all but the latents is of the second.
      latents: of that band, how many are of the first, position by position, channel by channel.
    """
    mixed = each(second, Tensor.clone)
    for name, grid in mixed.items():
        for number in bands:
            rows = _rows(number, stride_of(second, name))
            grid[:, :, rows] = first[name][:, :, rows]
    part, wanted = (y[:, :, _rows(band, 1)].permute(0, 2, 3, 1) for y in (mixed[LATENTS], first[LATENTS]))
    in_order = torch.arange(part.numel()).reshape(part.shape)
    part.copy_(torch.where(in_order < latents, wanted, part))
    return mixed


def _rows(band: int, stride: int) -> slice:
    """The rows of a grid that belong to a band."""
    count = HYPER_STRIDE // stride
    return slice(band * count, (band + 1) * count)


def splice_to_fit(
    first: Latents, second: Latents, length: Callable[[Latents], int], room: range, origin: float = 0.0
) -> Latents:
    """The splice with most of `first`, from a row downwards and on from the top, that is short enough.

    Args:
      first: the longer stream's.
      second: the shorter stream's.
      length: payload bytes of latents.
      room: lengths that are good enough; its end must not be reached.
      origin: height of that row, as a share in [0, 1).
    """
    count = -(-first[LATENTS].shape[2] // HYPER_STRIDE)
    begin = int(origin * count)
    order = [(begin + turn) % count for turn in range(count)]
    bands = _bisect(lambda n: length(splice(first, second, order[:n], order[-1], 0)), count, room)
    partial = order[min(bands, count - 1)]
    rest = first[LATENTS][:, :, _rows(partial, 1)].numel() if bands < count else 0
    latents = _bisect(lambda n: length(splice(first, second, order[:bands], partial, n)), rest, room)
    return splice(first, second, order[:bands], partial, latents)


def _bisect(length: Callable[[int], int], most: int, room: range) -> int:
    """A count whose length lies in the room, or the largest found that is short enough; lengths roughly rise."""
    low, high = 0, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        found = length(middle)
        if found >= room.stop:
            high = middle
        else:
            low = middle
            if found in room:
                break
    return low
