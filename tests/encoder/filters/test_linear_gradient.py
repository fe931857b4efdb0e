from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from decoder_pkg.codecs import LATENTS
from decoder_pkg.pixels.filters import FilterChain, linear_apply
from decoder_pkg.pixels.filters.linear import COLOURS, FEATURES, MEANS, PAIRS
from decoder_pkg.pixels.filters.linear_apply import CLIP, REACH, features, mean, padded_levels, pair, tones
from encoder.codecs import Relaxation, trained_multiplier
from encoder.coding import AnalysedPicture
from encoder.filters.linear_gradient import KEPT, DifferentiableLinearFilter, gradient_through
from encoder.models import Zoo, float_model
from encoder.refinement import RefinementSetting
from encoder.refinement.objective import Objective
from eval.metrics import SQUARED_ERROR, Distortion, distortion_of

Pixels = NDArray[np.uint8]


def some_taps() -> NDArray[np.float32]:
    """Strong enough to matter; constants and tones, which count whole levels, are weaker."""
    taps = np.random.default_rng(1).normal(0, 0.05, (FEATURES, COLOURS)).astype(np.float32)
    taps[[*range(4), *range(FEATURES - 43, FEATURES)]] *= 0.02
    return taps


def differentiable_features(padded: torch.Tensor) -> torch.Tensor:
    """As `features`, which writes into one array, and so has no gradient."""
    centre = padded[:, REACH:-REACH, REACH:-REACH]
    pairs = [[beside - centre for beside in pair(padded, offset)] for offset in PAIRS]
    means = [[mean(padded, distance) - centre] for distance in MEANS]
    plain = [torch.stack(differences).sum(0) for differences in (*pairs, *means)]
    clipped = [torch.stack(differences).clamp(-CLIP, CLIP).sum(0) for differences in (*pairs, *means)]
    return torch.cat([torch.ones_like(centre[:1]), centre - 128, *plain, *clipped, *tones(centre - 128)])


def filtered_at_once(levels: torch.Tensor, taps: NDArray[np.float32]) -> torch.Tensor:
    padded = padded_levels(levels / 255)
    known = differentiable_features(padded)
    assert torch.equal(known, features(padded.detach()))
    return levels + (torch.from_numpy(taps.T.copy()) @ known.flatten(1)).view_as(levels)


def levels_of(photo: Pixels) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    whole = torch.from_numpy(photo[:40, :53].copy()).permute(2, 0, 1).float()
    # Off the whole levels, where the filter's clipping has corners.
    return whole.clamp(1, 254) + 0.3 * torch.rand(whole.shape, generator=generator)


def test_gradient_through_the_filter_is_that_of_the_whole_graph(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    levels, taps = levels_of(photo), some_taps()
    gradient = torch.randn(levels.shape, generator=torch.Generator().manual_seed(2))
    moving = levels.clone().requires_grad_()
    (expected,) = torch.autograd.grad(filtered_at_once(moving, taps), moving, gradient)
    for strip in (2**16, 400):
        monkeypatch.setattr(linear_apply, "STRIP", strip)
        found = gradient + gradient_through(levels, taps, gradient)
        assert torch.allclose(found, expected, atol=1e-4)


def test_correction_is_that_of_the_picture_and_what_comes_back_through_it_is_kept(photo: Pixels) -> None:
    levels, taps = levels_of(photo), some_taps()
    post_filter, gradient = DifferentiableLinearFilter(taps), torch.ones_like(levels)
    found: list[torch.Tensor] = []
    for number in range(KEPT + 1):
        moving = (levels * (1 - 0.02 * number)).requires_grad_()
        filtered = post_filter(moving)
        assert torch.allclose(filtered, filtered_at_once(moving, taps), atol=1e-2)
        if number == 1:  # an evaluation without a gradient counts for nothing
            filtered = post_filter(moving)
        found += torch.autograd.grad(filtered, moving, gradient)
    assert all(torch.equal(back, found[0]) for back in found[:-1])
    last = (levels * (1 - 0.02 * KEPT)).requires_grad_()
    (expected,) = torch.autograd.grad(DifferentiableLinearFilter(taps)(last), last, gradient)
    assert torch.equal(found[-1], expected)
    assert not torch.equal(found[-1], found[0])


@pytest.mark.parametrize("distortion", [SQUARED_ERROR, distortion_of("ms-ssim", 1.0)], ids=["squared error", "MS-SSIM"])
def test_objective_falls_along_its_gradient_as_promised(
    filtered_zoo: Zoo, photo: Pixels, distortion: Distortion
) -> None:
    """Of a distortion behind a filter: finite differences, nothing rounded."""
    pixels = photo[:176, :181]
    picture = AnalysedPicture(pixels, filtered_zoo.models[8], filtered_zoo.bundle.post_filters)
    setting = RefinementSetting(24, 128, trained_multiplier(24) if distortion is SQUARED_ERROR else 0.5, distortion)
    chain = picture.fitted_chain(setting.coding)
    assert chain.links
    objective = Objective(float_model(picture.model), pixels, setting, chain)
    objective._autocast = False  # bf16 is coarser than the steps below
    latents = picture.latents(setting.coding.gain)
    y = latents[LATENTS]
    moving = y.clone().requires_grad_()

    def same(x: torch.Tensor) -> torch.Tensor:
        return x

    def smooth(y: torch.Tensor) -> torch.Tensor:
        return objective({**latents, LATENTS: y}, Relaxation(same))

    (gradient,) = torch.autograd.grad(smooth(moving), moving)
    step = 0.02 * gradient / gradient.abs().max()
    with torch.no_grad():
        change = float(smooth(y + step)) - float(smooth(y - step))
    assert change == pytest.approx(2 * float((gradient * step).sum()), rel=0.01)


def test_estimate_counts_on_the_filter_that_is_coded(filtered_zoo: Zoo, photo: Pixels) -> None:
    """A picture whose sides are no multiples of 16: the filter sees what is beyond them, as in the decoder."""
    pixels = np.ascontiguousarray(photo[:101, 100:230])
    picture = AnalysedPicture(pixels, filtered_zoo.models[8], filtered_zoo.bundle.post_filters)
    setting = RefinementSetting(24, 128, trained_multiplier(24))
    chain, latents = picture.fitted_chain(setting.coding), picture.latents(setting.coding.gain)
    assert chain.links
    model = float_model(picture.model)
    with_filter, without = (float(Objective(model, pixels, setting, c).rounded(latents).total) for c in (chain, None))
    plain = AnalysedPicture(pixels, picture.model)
    errors = [p.encode(setting.coding, latents)[0].squared_error for p in (picture, plain)]
    assert with_filter - without == pytest.approx(8 / setting.multiplier * (errors[0] - errors[1]), rel=0.05)
    assert plain.fitted_chain(setting.coding) == FilterChain()
    assert plain.encode(setting.coding, chain=FilterChain())[0] == plain.encode(setting.coding)[0]
