"""Estimated rate of latents under the float model."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from decoder_pkg.architecture import LATENT_STRIDE
from decoder_pkg.decoder import latent_size
from decoder_pkg.entropy_model import Q_ONE

from .entropy import bits, coded_information
from .model import CodecModel
from .pictures import Pixels


def padded_tensor(pixels: Pixels) -> Tensor:
    """[H, W, 3] uint8 to [1, 3, 16h, 16w] float in [0, 1], the edge repeated to multiples of 16."""
    height, width = latent_size(*pixels.shape[:2])
    bottom, right = height * LATENT_STRIDE - pixels.shape[0], width * LATENT_STRIDE - pixels.shape[1]
    padded = np.pad(pixels, ((0, bottom), (0, right), (0, 0)), mode="edge")
    return torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 255


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
