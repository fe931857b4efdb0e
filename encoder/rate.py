"""Estimated rate of a picture under the float model."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from decoder_pkg.architecture import LATENT_STRIDE
from decoder_pkg.decoder import latent_size

from .model import CodecModel
from .pictures import Pixels


def padded_tensor(pixels: Pixels) -> Tensor:
    """[H, W, 3] uint8 to [1, 3, 16h, 16w] float in [0, 1], the edge repeated to multiples of 16."""
    height, width = latent_size(*pixels.shape[:2])
    bottom, right = height * LATENT_STRIDE - pixels.shape[0], width * LATENT_STRIDE - pixels.shape[1]
    padded = np.pad(pixels, ((0, bottom), (0, right), (0, 0)), mode="edge")
    return torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 255


@torch.inference_mode()
def estimated_bits(model: CodecModel, pixels: Pixels, gain: int) -> float:
    """Bits of latents and hyper-latents as the float model sees them, without any header.

    Args:
      model: in evaluation mode.
      pixels: [H, W, 3] uint8.
      gain: gain index.
    """
    return float(model(padded_tensor(pixels), torch.tensor([gain])).estimated_bits)
