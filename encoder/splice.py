"""Between two streams of one picture: the latents of both, cut at a position, fill a budget to the last bytes."""

from __future__ import annotations

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


def splice(first: Latents, second: Latents, positions: int) -> Latents:
    """Latents of `first` for so many positions in raster order and of `second` from there; hyper-latents by rows."""
    y, z = (part.clone(memory_format=torch.contiguous_format) for part in second)
    y.flatten(2)[:, :, :positions] = first[0].flatten(2)[:, :, :positions]
    rows = -(-positions // (y.shape[3] * HYPER_STRIDE))
    z[:, :, :rows] = first[1][:, :, :rows]
    return y, z
