"""Between two streams of one picture: the latents of both, cut at a position, fill a budget to the last bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from decoder_pkg.codecs.hyperprior import decode_payload
from decoder_pkg.entropy import MEAN_STEPS, Grid
from decoder_pkg.grids import HYPER_STRIDE, latent_size
from decoder_pkg.pixels.filters import PostFilter, filter_bins

from ..candidates import Candidate
from ..latents import Latents
from ..weights import EncoderModel
from .filter_fit import FittedFilter


def parts_of(model: EncoderModel, candidate: Candidate, postfilter: PostFilter | None) -> tuple[Latents, FittedFilter]:
    """The latents [1, M, h, w] and hyper-latents [1, Z, hz, wz] of a stream, and its filter.

    Coded again they give the same bytes.
    """
    header, size = candidate.header, latent_size(candidate.header.height, candidate.header.width)
    bins = filter_bins(postfilter, header.m)
    decoded = decode_payload(model.decoder.entropy, candidate.payload, *size, header.gain, header.q, bins)
    latents = _tensor(decoded.latents) / MEAN_STEPS, _tensor(decoded.z)
    return latents, FittedFilter(header.m, decoded.coefficients)


def _tensor(grid: Grid) -> Tensor:
    return torch.from_numpy(grid).permute(2, 0, 1)[None].float()


def splice(first: Latents, second: Latents, bands: Sequence[int], band: int, latents: int) -> Latents:
    """Latents of `first` in some places, of `second` in all others.

    Args:
      first: latents [1, M, h, w] and hyper-latents [1, Z, hz, wz] of one stream.
      second: those of the other.
      bands: rows of hyper-latents that are of the first, with the latents that belong to them.
      band: another row, whose hyper-latents are of the second.
      latents: of that row, how many are of the first, position by position, channel by channel.
    """
    y, z = (part.clone() for part in second)
    z[:, :, list(bands)] = first[1][:, :, list(bands)]
    for number in bands:
        y[:, :, _rows(number)] = first[0][:, :, _rows(number)]
    mixed, wanted = (part[:, :, _rows(band)].permute(0, 2, 3, 1) for part in (y, first[0]))
    in_order = torch.arange(mixed.numel()).reshape(mixed.shape)
    mixed.copy_(torch.where(in_order < latents, wanted, mixed))
    return y, z


def _rows(band: int) -> slice:
    """The rows of latents that belong to a row of hyper-latents."""
    return slice(band * HYPER_STRIDE, (band + 1) * HYPER_STRIDE)


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
    count = first[1].shape[2]
    begin = int(origin * count)
    order = [(begin + turn) % count for turn in range(count)]
    bands = _bisect(lambda n: length(splice(first, second, order[:n], order[-1], 0)), count, room)
    partial = order[min(bands, count - 1)]
    rest = first[0][:, :, _rows(partial)].numel() if bands < count else 0
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
