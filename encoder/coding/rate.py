"""Estimated rate of latents under the float model."""

from __future__ import annotations

import torch
from torch import Tensor

from decoder_pkg.entropy import Q_ONE

from ..codecs.hyperprior import CodecModel, bits, coded_information


@torch.inference_mode()
def estimated_bits(model: CodecModel, latents: tuple[Tensor, Tensor], gain: int, q: int = Q_ONE) -> float:
    """Bits of reconstructed latents and hyper-latents as the float model sees them, without any header.

    Args:
      model: in evaluation mode.
      latents: [1, M, h, w] and hyper-latents [1, Z, hz, wz], float.
      gain: gain index.
      q: quantisation step in 1/128.
    """
    device = next(model.parameters()).device
    y, z = latents[0].to(device), torch.round(latents[1].to(device))
    coded = model.code(y, z, q / Q_ONE, torch.round)
    hyper = bits(model.prior.likelihood(z, torch.tensor([gain], device=device)))
    return float(coded_information(coded.quantised, coded.log2_sigma).sum() + hyper)
