"""Between two streams of one picture: the latents of both, cut at a position, fill a budget to the last bytes."""

from __future__ import annotations

from collections.abc import Callable

import constriction
import torch
from torch import Tensor

from decoder_pkg.architecture import HYPER_STRIDE
from decoder_pkg.decoder import latent_size
from decoder_pkg.entropy_model import MEAN_STEPS, Grid
from decoder_pkg.latent_decoder import decode_hyper_latents, decode_latents, payload_words

from .encode import Candidate
from .objective import Latents
from .weights import EncoderModel


def latents_of(model: EncoderModel, candidate: Candidate) -> Latents:
    """The latents [1, M, h, w] and hyper-latents [1, Z, hz, wz] of a stream: coded again they give the same bytes."""
    header, entropy = candidate.header, model.decoder.entropy
    size = latent_size(header.height, header.width)
    coder = constriction.stream.queue.RangeDecoder(payload_words(candidate.payload))
    z = decode_hyper_latents(entropy, coder, *size, header.gain)
    y = decode_latents(entropy, candidate.payload, *size, header.gain, header.q)
    return _tensor(y) / MEAN_STEPS, _tensor(z)


def _tensor(grid: Grid) -> Tensor:
    return torch.from_numpy(grid).permute(2, 0, 1)[None].float()


def splice(first: Latents, second: Latents, bands: int, latents: int) -> Latents:
    """Latents of `first` down to a place in raster order, of `second` from there.

    Args:
      first: latents [1, M, h, w] and hyper-latents [1, Z, hz, wz] of one stream.
      second: those of the other.
      bands: rows of hyper-latents, with the latents below them, that are all of the first.
      latents: of the next rows that are of the first too, position by position, channel by channel.
    """
    y, z = (part.clone(memory_format=torch.channels_last) for part in second)
    z[:, :, :bands] = first[1][:, :, :bands]
    channels, width = y.shape[1], y.shape[3]
    end = bands * HYPER_STRIDE * width * channels + latents
    y.permute(0, 2, 3, 1).flatten()[:end] = first[0].permute(0, 2, 3, 1).flatten()[:end]
    return y, z


def splice_to_fit(first: Latents, second: Latents, length: Callable[[Latents], int], room: range) -> Latents:
    """The splice with most of `first` that is short enough.

    Args:
      first: the longer stream's.
      second: the shorter stream's.
      length: payload bytes of latents.
      room: lengths that are good enough; its end must not be reached.
    """
    bands = _bisect(lambda count: length(splice(first, second, count, 0)), first[1].shape[2], room)
    rest = first[0][:, :, bands * HYPER_STRIDE : (bands + 1) * HYPER_STRIDE].numel()
    latents = _bisect(lambda count: length(splice(first, second, bands, count)), rest, room)
    return splice(first, second, bands, latents)


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
