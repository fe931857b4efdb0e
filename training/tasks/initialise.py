"""Initial weights of the linear shortcut: principal components of training patches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from decoder_pkg.grids import LATENT_STRIDE
from encoder.codecs.transforms import TransformFloatCodec

from ..data import CropSet

PATCHES = 200_000


def initialise_shortcut(model: TransformFloatCodec[Any], crops: CropSet, rng: np.random.Generator) -> None:
    """Sets both shortcuts, if there are any, to the leading principal components of 16x16 patches."""
    into, back = model.analysis.shortcut, model.synthesis.shortcut
    if into is None or back is None:
        return
    patches = _patches(crops, rng)
    covariance = patches.T @ patches / len(patches)
    _, vectors = torch.linalg.eigh(covariance)
    components = vectors.flip(1)[:, : model.arch.latent_channels].T
    with torch.no_grad():
        into.weight.copy_(components[:, :, None, None])
        back.weight.copy_(components.T[:, :, None, None])
        for bias in (into.bias, back.bias):
            assert bias is not None
            bias.zero_()


def _patches(crops: CropSet, rng: np.random.Generator) -> torch.Tensor:
    """[PATCHES, 768] float32, centred at mid-grey, in pixel-unshuffle order (channel first)."""
    positions = crops.side - LATENT_STRIDE + 1
    per_crop = -(-PATCHES // len(crops.crops))
    parts = []
    for picture in crops.crops:
        rows, columns = rng.integers(0, positions, (per_crop, 2)).T
        windows = sliding_window_view(picture, (LATENT_STRIDE, LATENT_STRIDE), axis=(0, 1))
        parts.append(windows[rows, columns].reshape(per_crop, -1))
    return torch.from_numpy(np.concatenate(parts)).float() / 255 - 0.5
