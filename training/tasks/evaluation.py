"""Estimated rate and quality of a model on an evaluation folder, during training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from decoder_pkg.grids import LATENT_STRIDE
from encoder.codecs import FloatCodec
from encoder.pictures import load_picture
from eval.metrics import PSNR, differentiable_ms_ssim

EVALUATION_GAINS = (8, 16, 24, 32, 40)


@dataclass(frozen=True)
class RatePoint:
    """Means over images: estimated bits per pixel, PSNR in dB and MS-SSIM of the 8-bit picture.

    A picture that comes back exactly counts as off by one level in one sample, so that a mean exists.
    """

    gain_index: int
    bpp: float
    hyper_bpp: float
    psnr_db: float
    ms_ssim: float


def load_pictures(folder: Path, every: int) -> list[Tensor]:
    """Every n-th picture of a folder, [3, H, W] uint8 each.

    Raises:
      FileNotFoundError: the folder holds fewer PNG files than that.
      PictureError: a file is no picture, or a damaged one.
    """
    files = sorted(file for file in folder.glob("*.png") if not file.name.startswith("."))[every - 1 :: every]
    if not files:
        raise FileNotFoundError(f"{folder} holds fewer than {every} .png pictures; pass another one with --evaluation")
    return [torch.from_numpy(load_picture(file).copy()).permute(2, 0, 1) for file in files]


@torch.no_grad()
def evaluate(
    model: FloatCodec[Any], pictures: Sequence[Tensor], gains: Sequence[int] = EVALUATION_GAINS
) -> list[RatePoint]:
    """One point per gain, means over the pictures, [3, H, W] uint8 each. The model is left in evaluation mode."""
    model.eval()
    device = next(model.parameters()).device
    points = []
    for gain in gains:
        rows = [_one(model, picture.to(device), gain) for picture in pictures]
        points.append(RatePoint(gain, *np.mean(rows, axis=0).tolist()))
    return points


def _one(model: FloatCodec[Any], picture: Tensor, gain: int) -> tuple[float, float, float, float]:
    height, width = picture.shape[1:]
    batch = picture[None].float() / 255
    padded = F.pad(batch, (0, -width % LATENT_STRIDE, 0, -height % LATENT_STRIDE), mode="replicate")
    estimate = model(padded, torch.tensor([gain], device=picture.device))
    decoded = (estimate.picture[0, :, :height, :width].clamp(0, 1) * 255).round()
    pixels = height * width
    error = (decoded - picture).double().square().sum().clamp(min=1)
    return (
        float(estimate.estimated_bits) / pixels,
        float(estimate.estimated_side_bits) / pixels,
        PSNR.pooled([int(error)], [pixels]),
        float(differentiable_ms_ssim(picture.float(), decoded)),
    )
