"""Weights to integers one input at a time: what rounding one changes, the inputs still to come make good."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from encoder.codecs import FloatCodec, watched_convolutions
from encoder.codecs.quadtree.codec import GroupOutputs, Pointwise

BLOCK = 64
"""Inputs that are rounded before the others are told."""

DAMPING = 0.01
"""Share of the mean square of an input that is added to each: what calibration did not see may come."""

SEEN = (nn.Conv2d, Pointwise, GroupOutputs)
"""Layers all of whose inputs come at once. The others are rounded to the nearest integers."""


@torch.no_grad()
def input_moments(model: FloatCodec[Any], batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Products of the inputs of convolutions, summed over positions, by the weight's name.

    Args:
      model: in any mode; it is left in evaluation mode.
      batches: pictures [B, 3, H, W] and gain indices [B].

    Returns:
      [I*k*k, I*k*k] float32 each, ordered as a weight [O, I, k, k] is.
    """
    moments: dict[str, Tensor] = {}

    def add(path: str, conv: nn.Conv2d, x: Tensor, _output: Tensor) -> None:
        if type(conv) in SEEN:
            columns, name = _columns(conv, x), f"{path}.weight"
            moments[name] = torch.addmm(moments.get(name, torch.zeros(())), columns, columns.T)

    model.eval()
    with watched_convolutions(model, add):
        for pictures, gains in batches:
            model(pictures, gains)
    return moments


def _columns(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """What each output position sees: [I*k*k, positions] float32."""
    if x.ndim == 3:
        return x.float().flatten(0, 1).T
    padding = conv.padding
    assert isinstance(padding, tuple)
    return F.unfold(x.float(), conv.kernel_size, padding=padding, stride=conv.stride).transpose(0, 1).flatten(1)


def round_compensated(
    rows: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], moment: Tensor
) -> NDArray[np.float64]:
    """Integers whose products with the inputs are near those of the rows.

    The order and the updates are those of optimal brain compression (Frantar et al. 2022, GPTQ, Algorithm 1).

    Args:
      rows: [O, K], one for each output.
      low: [O, K] smallest integers allowed.
      high: [O, K] largest.
      moment: [K, K] products of the inputs, on any scale.
    """
    count = rows.shape[1]
    damped = moment.double() + DAMPING * moment.diagonal().double().mean() * torch.eye(count, dtype=torch.float64)
    factor = torch.linalg.cholesky(torch.linalg.inv(damped), upper=True).numpy()
    left, rounded = rows.copy(), np.empty_like(rows)
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        errors = np.empty((len(rows), stop - start))
        for column in range(start, stop):
            rounded[:, column] = np.clip(np.round(left[:, column]), low[:, column], high[:, column])
            errors[:, column - start] = (left[:, column] - rounded[:, column]) / factor[column, column]
            left[:, column:stop] -= np.outer(errors[:, column - start], factor[column, column:stop])
        left[:, stop:] -= errors @ factor[start:stop, stop:]
    return rounded
