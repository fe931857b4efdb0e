from __future__ import annotations

import numpy as np
import pytest
import torch
from decoder_pkg.codecs.hyperprior.architecture import ARCHITECTURES, CAUSAL, Architecture
from decoder_pkg.codecs.hyperprior.causal import wavefront
from decoder_pkg.codecs.hyperprior.quadtree import GROUPS, groups_at
from encoder.codecs.hyperprior.context import Coded, causal_mask
from encoder.codecs.hyperprior.model import CodecModel


def test_causal_mask_covers_the_twelve_neighbours_before() -> None:
    mask = causal_mask()[0, 0]
    assert mask.sum() == 12
    assert mask[2, 2:].sum() == mask[3:].sum() == 0


@pytest.mark.parametrize("name", ["smoke", "smoke-quadtree"])
def test_float_context_sees_no_latent_that_is_coded_later(name: str) -> None:
    """The coding step of every latent comes from the decoder's own walk."""
    model = CodecModel(next(row for row in ARCHITECTURES if row.name == name)).eval()
    step_of = coding_steps(model.arch, 6, 6)
    torch.manual_seed(1)
    y, features = torch.randn(1, 16, 6, 6) * 3, torch.rand(1, 16, 6, 6)
    mean = torch.zeros_like(y)

    def log2_sigma(latents: torch.Tensor) -> torch.Tensor:
        coded: Coded = model.context(latents, mean, features, 1.0, torch.round)
        return coded.log2_sigma[0].detach()

    before = log2_sigma(y)
    for channel, row, column in [(0, 3, 2), (7, 2, 2), (15, 5, 5), (4, 0, 1)]:
        other = y.clone()
        other[0, channel, row, column] += 5
        changed = ((log2_sigma(other) - before).abs() > 1e-6).numpy()
        assert (step_of[changed] > step_of[channel, row, column]).all()


def coding_steps(arch: Architecture, height: int, width: int) -> np.ndarray:
    """[M, h, w] the step at which each latent is coded, checked to be exactly one."""
    channels = arch.latent_channels
    step_of = np.full((height, width, channels), -1)
    if arch.context == CAUSAL:
        for step, (rows, columns) in enumerate(wavefront(height, width)):
            assert (step_of[rows, columns] == -1).all()
            step_of[rows, columns] = step
    else:
        for step in range(GROUPS):
            for row, column in np.ndindex(height, width):
                group = groups_at(step, height, width)[row, column]
                part = np.s_[row, column, group * channels // GROUPS : (group + 1) * channels // GROUPS]
                assert (step_of[part] == -1).all()
                step_of[part] = step
    assert step_of.min() >= 0
    return step_of.transpose(2, 0, 1)
