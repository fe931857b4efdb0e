"""Initial weights of the linear shortcut: principal components of training patches."""

from __future__ import annotations

import numpy as np
import torch

from decoder_pkg.architecture import LATENT_STRIDE
from encoder.model import CodecModel

from .data import CropSet

PATCHES = 200_000


def initialise_shortcut(model: CodecModel, crops: CropSet, rng: np.random.Generator) -> None:
    """Sets both shortcuts to the leading principal components of 16x16 patches, analysis and transpose."""
    patches = _patches(crops, rng)
    covariance = patches.T @ patches / len(patches)
    _, vectors = torch.linalg.eigh(covariance)
    components = vectors.flip(1)[:, : model.arch.latent_channels].T
    with torch.no_grad():
        model.analysis.shortcut.weight.copy_(components[:, :, None, None])
        model.synthesis.shortcut.weight.copy_(components.T[:, :, None, None])
        for bias in (model.analysis.shortcut.bias, model.synthesis.shortcut.bias):
            assert bias is not None
            bias.zero_()


def _patches(crops: CropSet, rng: np.random.Generator) -> torch.Tensor:
    """[PATCHES, 768] float32, centred at mid-grey, in pixel-unshuffle order (channel first)."""
    side = crops.side
    per_crop = -(-PATCHES // len(crops.crops))
    rows = []
    for picture in crops.crops:
        for row, column in rng.integers(0, side - LATENT_STRIDE + 1, (per_crop, 2)):
            patch = picture[row : row + LATENT_STRIDE, column : column + LATENT_STRIDE]
            rows.append(patch.transpose(2, 0, 1).reshape(-1))
    return torch.from_numpy(np.stack(rows)).float() / 255 - 0.5
