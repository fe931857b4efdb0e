"""The same prior between residual transforms, with or without attention (cheng2020-anchor and cheng2020-attn)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..deep_hyper_decoder import HYPER_WIDTHS
from ..deep_joint_autoregressive import DeepJointArchitecture, DeepJointCodec
from ..transforms import AttentionTransforms


@dataclass(frozen=True)
class DeepChengArchitecture(DeepJointArchitecture):
    """All widths follow from that of the latents."""

    open_widths: ClassVar[tuple[str, ...]] = HYPER_WIDTHS
    refined: ClassVar[bool] = True


def _row(number: int, name: str, width: int, attends: bool) -> DeepChengArchitecture:
    transforms = AttentionTransforms(width, False, attends=attends, centred=False)
    widths = DeepChengArchitecture.hyper_widths(width, width)
    return DeepChengArchitecture(number, name, transforms, components=1, residual_blocks=0, **widths)


class DeepChengCodec(DeepJointCodec):
    """All channels of a position together."""

    architectures = (
        _row(32, "deep-cheng-anchor", 128, False),
        _row(33, "deep-cheng-attention", 128, True),
        _row(232, "smoke-deep-cheng", 16, False),
    )
