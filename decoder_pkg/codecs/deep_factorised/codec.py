"""Latents under static tables, between transforms as CompressAI has them (bmshj2018-factorized)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..factorised import FactorisedArchitecture, FactorisedCodec
from ..transforms import GdnTransforms


@dataclass(frozen=True)
class DeepFactorisedArchitecture(FactorisedArchitecture):
    """Transforms whose widths the weight file states."""

    open_widths: ClassVar[tuple[str, ...]] = ("latent_channels", "width")


SMOKE = GdnTransforms(16, False, 16, centred=False)

ARCHITECTURES = (
    DeepFactorisedArchitecture(id=27, name="deep-factorised", transforms=GdnTransforms(192, False, 128, centred=False)),
    DeepFactorisedArchitecture(
        id=28, name="deep-factorised-relu", transforms=GdnTransforms(192, False, 128, rectified=True, centred=False)
    ),
    DeepFactorisedArchitecture(id=227, name="smoke-deep-factorised", transforms=SMOKE),
)


class DeepFactorisedCodec(FactorisedCodec):
    """All latents in one step, channel by channel."""

    architectures = ARCHITECTURES
