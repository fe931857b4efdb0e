from __future__ import annotations

import pytest
import skimage.data
import torch

from training.distortion import structural_loss


def test_structural_distortion_falls_where_the_pictures_become_alike() -> None:
    original = torch.from_numpy(skimage.data.coffee()[:192, :192] / 255.0).permute(2, 0, 1)[None].float()
    noise = torch.randn(original.shape, generator=torch.Generator().manual_seed(1))
    decoded = (original + 0.1 * noise).requires_grad_()
    loss = structural_loss(decoded, original)
    (gradient,) = torch.autograd.grad(loss.sum(), decoded)
    assert structural_loss(original, original).item() == pytest.approx(0, abs=1e-2)
    assert structural_loss(decoded - 1e-3 * gradient / gradient.abs().max(), original) < loss


def test_structural_distortion_of_a_batch_is_that_of_each_of_its_pictures() -> None:
    first, second = torch.rand(2, 2, 3, 64, 48, generator=torch.Generator().manual_seed(1))
    apart = [structural_loss(one[None], other[None]) for one, other in zip(first, second, strict=True)]
    torch.testing.assert_close(structural_loss(first, second), torch.cat(apart))
