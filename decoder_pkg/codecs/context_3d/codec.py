"""Two groups of channels, each with its masked convolution and parameter network (Guo et al. 2020, sections 2.2, 2.3).

The parameter network ends in a residual block of 1x1 layers (residual parameter estimation) and yields a mixture of
three Gaussians.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..autoregressive import AutoregressiveArchitecture, AutoregressiveCodec
from ..hyper_decoder import FULL_HYPER, GDN_HYPER, SMOKE_HYPER
from ..transforms import SMOKE, AttentionTransforms, full

ATTENTION = AttentionTransforms(80, True, more_attention=True)
"""As in the paper, less than half as wide."""


@dataclass(frozen=True)
class Context3dArchitecture(AutoregressiveArchitecture):
    """The second group sees the first at its own position."""

    groups: ClassVar[int] = 2


def _row(number: int, name: str, components: int, blocks: int, **widths: object) -> Context3dArchitecture:
    return Context3dArchitecture(number, name, components=components, residual_blocks=blocks, **widths)  # type: ignore[arg-type]


ARCHITECTURES = (
    _row(22, "context-3d", 3, 1, transforms=full(256), feature_width=384, **FULL_HYPER),
    _row(23, "context-3d-plain", 3, 0, transforms=full(256), feature_width=384, **FULL_HYPER),
    _row(24, "guo", 3, 1, transforms=ATTENTION, feature_width=256, **GDN_HYPER),
    _row(222, "smoke-context-3d", 3, 1, transforms=SMOKE, feature_width=32, **SMOKE_HYPER),
)


class Context3dCodec(AutoregressiveCodec[Context3dArchitecture]):
    """Mixtures from hyper-latents, causal neighbours and, for half of the channels, from the other half."""

    architectures = ARCHITECTURES
