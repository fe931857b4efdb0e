"""The rate of latents and of coded pictures, as the float model estimates it."""

from __future__ import annotations

from typing import Any

import torch

from decoder_pkg.entropy import Q_ONE

from ..candidates import Candidate
from ..codecs import ROUNDED, FloatCodec, Latents, each
from ..filters import chain_bits
from ..models import EncoderModel, float_model
from .interface import Filters
from .splice import parts_of


@torch.inference_mode()
def estimated_bits(model: FloatCodec[Any], latents: Latents, gain: int, q: int = Q_ONE) -> float:
    """Bits of reconstructed latents as the float model sees them, without any header.

    Args:
      model: in evaluation mode.
      latents: all grids.
      gain: gain index.
      q: quantisation step in 1/128.
    """
    device = next(model.parameters()).device
    gain_index = torch.tensor([gain], device=device)
    coded = model.code(each(latents, lambda grid: grid.to(device)), gain_index, q / Q_ONE, ROUNDED)
    return float(coded.position_bits().sum() + coded.side_bits.sum())


def estimated_payload_bits(model: EncoderModel, candidate: Candidate, filters: Filters) -> float:
    """Bits of a candidate's latents and post-filters; its payload has about as many.

    Args:
      model: that the candidate names.
      candidate: a coded picture.
      filters: of the bundle.
    """
    latents, chain = parts_of(model, candidate, filters)
    header = candidate.header
    return estimated_bits(float_model(model), latents, header.gain, header.q) + chain_bits(chain)
