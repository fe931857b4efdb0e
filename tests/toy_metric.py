"""A metric of one's own: the mean absolute error, which no table knows."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from eval.metrics import Metric, Pixels


def absolute_error(original: Pixels, decoded: Pixels) -> float:
    return float(np.abs(original.astype(np.int16) - decoded).mean())


def relaxed_error(original: Tensor, decoded: Tensor) -> Tensor:
    return (original - decoded).abs().mean()


TOY_METRIC = Metric(
    key="mae",
    name="absolute error",
    unit="levels",
    form=".3f",
    sign=-1,
    field="mae",
    column="mae",
    largest=255.0,
    peak=255.0,
    measure=absolute_error,
    value=lambda loss: loss,
    loss=lambda value: value,
    axis="absolute error, −10 log10(x / 255) (dB)",
    relaxed=relaxed_error,
)
