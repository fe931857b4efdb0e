"""Every kind of transforms: what its networks look at, and that both halves fit together."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from decoder_pkg.codecs.transforms import SMOKE, AttentionTransforms, GdnTransforms, ResidualTransforms, Transforms
from decoder_pkg.codecs.transforms.gdn import Gdn, Upsample
from encoder.codecs.transforms.table import ANALYSES, build_analysis

KINDS: list[Transforms] = [
    SMOKE,
    ResidualTransforms(8, True, 8, 8, 8, 2, 1, 2, 1),
    GdnTransforms(8, False, 6),
    GdnTransforms(8, True, 6),
    GdnTransforms(8, False, 6, centred=False),
    GdnTransforms(8, False, 6, rectified=True, centred=False),
    AttentionTransforms(6, False),
    AttentionTransforms(6, True, more_attention=True),
    AttentionTransforms(6, False, attends=False, centred=False),
]
SIDE = 48
"""Latents across the largest reach and more."""


def name(kind: Transforms) -> str:
    return f"{type(kind).__name__}-{kind.shortcut}"


def touched(output: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and columns of an input that an output depends on."""
    (gradient,) = torch.autograd.grad(output, inputs, retain_graph=True)
    rows, columns = gradient[0].abs().sum(0).nonzero().T
    return rows, columns


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_no_latent_further_away_than_the_reach_changes_a_pixel(kind: Transforms) -> None:
    torch.manual_seed(1)
    synthesis = kind.build_synthesis().double()
    y = torch.randn(1, kind.latent_channels, SIDE, SIDE, dtype=torch.float64, requires_grad=True)
    picture = synthesis(y, torch.tensor([8]))
    assert picture.shape == (1, 3, 16 * SIDE, 16 * SIDE)
    middle = SIDE // 2
    for pixel in (16 * middle, 16 * middle + 15):
        rows, columns = touched(picture[0, :, pixel, pixel].sum(), y)
        for found in (rows, columns):
            assert middle - kind.synthesis_reach < found.min() + 1
            assert found.max() < middle + 1 + kind.synthesis_reach
    assert rows.max() >= middle + math.floor(kind.synthesis_reach) - 1  # and hardly less far than it says


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_no_pixel_further_away_than_the_reach_changes_a_latent(kind: Transforms) -> None:
    torch.manual_seed(1)
    analysis = build_analysis(kind).double()
    picture = torch.rand(1, 3, 16 * SIDE, 16 * SIDE, dtype=torch.float64, requires_grad=True)
    y = analysis.unscaled(picture)
    assert y.shape == (1, kind.latent_channels, SIDE, SIDE)
    middle = SIDE // 2
    rows, columns = touched(y[0, :, middle, middle].sum(), picture)
    for found in (rows, columns):
        assert 16 * (middle - kind.analysis_reach) <= found.min()
        assert found.max() < 16 * (middle + 1 + kind.analysis_reach)
    assert found.max() >= 16 * (middle + math.floor(kind.analysis_reach) - 1)


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_shortcut_is_there_where_the_kind_says_so(kind: Transforms) -> None:
    for network in (build_analysis(kind), kind.build_synthesis()):
        assert (network.shortcut is not None) == kind.shortcut
        assert any(key.startswith("shortcut.") for key in network.state_dict()) == kind.shortcut


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_no_layer_has_a_gradient_that_writes_beyond_its_memory(kind: Transforms) -> None:
    for network in (build_analysis(kind), kind.build_synthesis()):
        layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
        assert all(layer.stride == (1, 1) or layer.kernel_size != (1, 1) for layer in layers)


def test_every_kind_has_an_analysis() -> None:
    assert {type(kind) for kind in KINDS} == set(ANALYSES)


def test_normalisation_divides_by_what_its_paper_says_and_its_inverse_multiplies() -> None:
    torch.manual_seed(2)
    x = torch.randn(2, 5, 3, 4)
    norm = Gdn(5)
    with torch.no_grad():
        norm.root_gamma.copy_(torch.rand(5, 5))
        norm.root_beta.copy_(torch.rand(5))
    roots = torch.empty_like(x)
    for channel in range(5):
        weights = norm.root_gamma[channel].square()[None, :, None, None]
        roots[:, channel] = (norm.root_beta[channel] ** 2 + (weights * x.square()).sum(1)).sqrt()
    assert torch.allclose(norm(x), x / roots, rtol=1e-4)
    inverse = Gdn(5, inverse=True)
    inverse.load_state_dict(norm.state_dict())
    assert torch.allclose(inverse(x), x * roots, rtol=1e-4)


def test_upsampling_computes_any_transposed_convolution() -> None:
    torch.manual_seed(3)
    transposed = torch.nn.ConvTranspose2d(3, 2, 5, stride=2, padding=2, output_padding=1)
    layer = Upsample(3, 2)
    with torch.no_grad():
        layer.weight.zero_()
        for down in range(2):
            for across in range(2):
                for row in range(3 - down):
                    for column in range(3 - across):
                        # Sample (i + 1 - row - down ...) of the input meets tap (2 * row + down) of the kernel.
                        taps = transposed.weight[:, :, 2 * row + down, 2 * column + across]
                        layer.weight[2 * down + across :: 4, :, 2 - row, 2 - column] = taps.T
        assert layer.bias is not None
        assert transposed.bias is not None
        layer.bias.copy_(transposed.bias.repeat_interleave(4))
    x = torch.randn(1, 3, 6, 7)
    assert torch.allclose(layer(x), transposed(x), atol=1e-5)
