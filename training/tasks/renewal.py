"""What has gone idle in a codec is given a new start now and then."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from encoder.codecs import FloatCodec

from ..config import TrainConfig
from ..data import CropSet

EVERY = 50
"""Iterations between renewals (Brummer and De Vleeschouwer 2021, section 4.1)."""


def renew(codec: FloatCodec[Any], config: TrainConfig, crops: CropSet, iteration: int) -> None:
    """At every fiftieth iteration but the first, lets a codec see some crops and renew what was not used since."""
    if iteration == 0 or iteration % EVERY:
        return
    rng = np.random.default_rng([config.seed, iteration])
    device = next(codec.parameters()).device
    pictures = crops.batch(rng, config.batch, config.crop).to(device)
    gains = torch.from_numpy(rng.integers(config.gain_low, config.gain_high + 1, config.batch)).to(device)
    codec.renew(pictures, gains, torch.Generator().manual_seed(int(rng.integers(2**31))))
