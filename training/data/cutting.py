"""Windows of crops cut by matrix products, on a GPU that holds all crops: its cores would not keep up.

A place is a row of seven integers: the crop's index, the window's first row and column, its side in pixels (more than
what it is reduced to, or as much), and whether rows are flipped, columns are, and both are exchanged then.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LOBES = 3
"""Of the Lanczos kernel, as Pillow has it."""

LARGEST_SHARE = 0.5
"""Share of a GPU's memory that crops may take."""


class Cutter:
    """All crops of a set on a device."""

    def __init__(self, crops: NDArray[np.uint8], size: int, device: torch.device) -> None:
        """Copies the crops [N, S, S, 3]; windows are reduced to `size` pixels."""
        self._crops, self._size = torch.from_numpy(np.array(crops)).to(device), size

    def windows(self, places: Tensor) -> Tensor:
        """Windows [B, 3, size, size] float32, whole levels from 0 to 255, at places [B, 7] int64 on the device."""
        index, row, column, side, flip_rows, flip_columns, turn = places.unbind(1)
        crops = self._crops[index].permute(0, 3, 1, 2).float()
        rows, columns = self._weights(row, side, flip_rows), self._weights(column, side, flip_columns)
        windows = (rows @ crops @ columns.mT).round().clamp(0, 255)
        return torch.where(turn[:, None, None, None] > 0, windows.mT, windows)

    def _weights(self, start: Tensor, side: Tensor, flip: Tensor) -> Tensor:
        """[B, 1, size, S] float32: what each sample of a window takes from a line of its crop."""
        size, room = self._size, self._crops.shape[1]
        start, side, flip = (x[:, None, None].float() for x in (start, side, flip))
        output, source = (torch.arange(n, dtype=torch.float32, device=start.device) for n in (size, room))
        scale = side / size
        output = torch.where(flip > 0, size - 1 - output[:, None], output[:, None])
        distance = (source + 0.5 - start) / scale - (output + 0.5)
        weights = torch.sinc(distance) * torch.sinc(distance / LOBES) * (distance.abs() < LOBES)
        weights = weights * ((source >= start) & (source < start + side))
        return (weights / weights.sum(2, keepdim=True))[:, None]


def fits(crops: NDArray[np.uint8], device: torch.device) -> bool:
    """Whether a device holds a set of crops beside the training itself."""
    return (
        device.type == "cuda" and crops.nbytes < LARGEST_SHARE * torch.cuda.get_device_properties(device).total_memory
    )
