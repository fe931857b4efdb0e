from __future__ import annotations

import numpy as np
import pytest
import torch

from training.data.variation import FRAMED, LIT, NOISY, Variation, draw


def test_crops_are_lit_framed_and_made_noisy_as_drawn() -> None:
    count = 6
    plain = Variation(
        light=torch.zeros(count, 3, 3),
        frame_width=torch.tensor([0, 2, 2, 0, 0, 0]),
        frame_side=torch.tensor([0, 0, 3, 0, 0, 0]),
        frame_colour=torch.full((count, 3), 255.0),
        blank=torch.tensor([False, False, True, False, False, False]),
        blank_colour=torch.zeros(count, 3),
        deviation=torch.zeros(count, 3),
    )
    plain.light[3, 1, 0] = 0.5
    plain.light[4, :, 2] = 0.5
    plain.deviation[5, 2] = 3.0
    windows = torch.full((count, 3, 32, 32), 100, dtype=torch.uint8)
    untouched, framed, blank, lit, ramp, noisy = 255 * plain.apply(windows, torch.Generator().manual_seed(1))
    assert (untouched == 100).all()
    assert (framed[:, :2] == 255).all()
    assert (framed[:, 2:] == 100).all()
    assert (blank[:, :, -2:] == 255).all()
    assert (blank[:, :, :-2] == 0).all()
    assert lit.mean(dim=(1, 2)).tolist() == [100, 150, 100]
    assert ramp[:, 5, [0, -1]].tolist() == [[50, 150]] * 3
    assert noisy[:2].std() == 0
    assert 2.7 < noisy[2].std() < 3.3


def test_share_of_the_crops_is_varied() -> None:
    drawn = draw(np.random.default_rng(1), 2000)
    shares = [
        part.flatten(1).any(dim=1).double().mean()
        for part in (drawn.light, drawn.frame_width[:, None], drawn.deviation)
    ]
    assert shares == pytest.approx([LIT, FRAMED, NOISY], abs=0.05)
