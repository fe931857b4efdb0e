"""Hyper-latents and a 5x5 causal context give mean and scale (Minnen et al. 2018), of one Gaussian or of several.

Between residual transforms with attention it is the network of Cheng et al. 2020. The first of the paper's three 1x1
layers is linear in both of its inputs, as is what precedes it: it is a part of these.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..autoregressive import AutoregressiveArchitecture, AutoregressiveCodec
from ..hyper_decoder import FULL_HYPER, GDN_HYPER, SMOKE_HYPER
from ..transforms import GDN, SMOKE, AttentionTransforms, full

ATTENTION = AttentionTransforms(80, True)
"""As in the paper, less than half as wide."""


@dataclass(frozen=True)
class JointAutoregressiveArchitecture(AutoregressiveArchitecture):
    """All channels of a position together."""


def _row(number: int, name: str, components: int, **widths: object) -> JointAutoregressiveArchitecture:
    return JointAutoregressiveArchitecture(number, name, components=components, residual_blocks=0, **widths)  # type: ignore[arg-type]


ARCHITECTURES = (
    _row(17, "joint-autoregressive", 1, transforms=full(256), feature_width=256, **FULL_HYPER),
    _row(18, "joint-autoregressive-mixture", 3, transforms=full(256), feature_width=256, **FULL_HYPER),
    _row(19, "gdn-joint-autoregressive", 1, transforms=GDN, feature_width=192, **GDN_HYPER),
    _row(20, "cheng", 1, transforms=ATTENTION, feature_width=160, **GDN_HYPER),
    _row(21, "cheng-mixture", 3, transforms=ATTENTION, feature_width=160, **GDN_HYPER),
    _row(217, "smoke-joint-autoregressive", 1, transforms=SMOKE, feature_width=16, **SMOKE_HYPER),
    _row(218, "smoke-joint-autoregressive-mixture", 3, transforms=SMOKE, feature_width=16, **SMOKE_HYPER),
)


class JointAutoregressiveCodec(AutoregressiveCodec[JointAutoregressiveArchitecture]):
    """Mean and scale from the hyper-latents and from the causal neighbours' latents."""

    architectures = ARCHITECTURES
