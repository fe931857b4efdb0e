from __future__ import annotations

import numpy as np
import pytest
import torch

from decoder_pkg.codecs import LATENTS
from decoder_pkg.entropy import CodingStep, Grid
from encoder.codecs import coding_setting
from encoder.codecs.hyper_networks import HyperFloatCodec
from encoder.codecs.likelihoods import ScaledLikelihood
from encoder.models import EncoderModel, Zoo


@pytest.mark.parametrize("number", [7, 8])
def test_float_context_sees_no_latent_that_is_coded_later(golden_zoo: Zoo, number: int) -> None:
    """The coding step of every latent comes from the decoder's own walk."""
    model = golden_zoo.models[number]
    codec = model.floats
    assert isinstance(codec, HyperFloatCodec)
    step_of = coding_steps(model, 6, 6)
    torch.manual_seed(1)
    y, features = torch.randn(1, 16, 6, 6) * 3, torch.rand(1, 16, 6, 6)
    mean = torch.zeros_like(y)

    def log2_sigma(latents: torch.Tensor) -> torch.Tensor:
        likelihood = codec.context(latents, mean, features, 1.0, torch.round).likelihood
        assert isinstance(likelihood, ScaledLikelihood)
        return likelihood.log2_sigma[0].detach()

    before = log2_sigma(y)
    changes = 0
    for channel, row, column in [(0, 3, 2), (7, 2, 2), (15, 5, 5), (4, 0, 1)]:
        other = y.clone()
        other[0, channel, row, column] += 5
        changed = ((log2_sigma(other) - before).abs() > 1e-6).numpy()
        assert (step_of[changed] > step_of[channel, row, column]).all()
        changes += int(changed.sum())
    assert changes


def coding_steps(model: EncoderModel, height: int, width: int) -> np.ndarray:
    """[M, h, w] the step at which each latent is coded, checked to be exactly one."""
    codec, size = model.decoder.codec, (16 * height, 16 * width)
    channels = codec.grids(size)[LATENTS].channels
    step_of = np.full((height, width, channels), -1)
    turn = 0

    def exchange(step: CodingStep) -> Grid:
        nonlocal turn
        if step.grid == LATENTS:
            assert (step.of(step_of) == -1).all()
            step_of.reshape(-1, step.mean.shape[1])[step.rows] = turn
            turn += 1
        return np.zeros(step.mean.shape, dtype=np.int32)

    codec.walk(size, coding_setting(24, 128), exchange)
    assert step_of.min() >= 0
    return step_of.transpose(2, 0, 1)
