"""The linear post-filter on pixels: features of every sample, and the residual that the taps make of them.

The features are those of the neighbours within 5x5, by opposite pairs, and of two wider means, all as
differences to the sample; of the same differences clipped, which tell an edge from noise (as the adaptive loop filter
of VVC does); and of the tone, by hinges and products of the three colours (as the band offsets of HEVC's).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .linear import COLOURS, DIFFERENCES, FEATURES, KNOTS, MEANS, PAIRS, TONES, LinearFilter

CLIP = 10.0
"""Differences are clipped at this many levels."""

REACH = LinearFilter.reach
"""How many pixels away a sample can still change another."""

MIDDLE = 128.0
STRIP, GPU_STRIP = 2**14, 2**19
"""Samples of a colour that are filtered at once: each has many features, and a GPU takes long to begin."""


def padded_levels(picture: Tensor) -> Tensor:
    """Levels with the edge repeated around them: [3, H, W] float, nominally in [0, 1], to [3, H + 16, W + 16]."""
    return repeated_edges(picture.clamp(0, 1) * 255)


def repeated_edges(levels: Tensor) -> Tensor:
    """[3, H, W] float with the edge repeated around it, [3, H + 16, W + 16]."""
    return F.pad(levels[None], (REACH,) * 4, mode="replicate")[0]


def features(padded: Tensor, step: int = 1, out: Tensor | None = None) -> Tensor:
    """What the filter is a linear function of.

    Args:
      padded: [3, H + 16, W + 16] float, levels of a picture and of what lies around it.
      step: the samples of one column in so many are looked at, from the first on.
      out: where the result is to be.

    Returns:
      [FEATURES, H, W] float, W of the columns that are looked at: a constant 1, the colours less MIDDLE, sums of
      differences, the same clipped, tones.
    """
    centre = padded[:, REACH:-REACH, REACH:-REACH:step]
    found = padded.new_empty(FEATURES, *centre.shape[1:]) if out is None else out
    parts = 1, COLOURS, DIFFERENCES, DIFFERENCES, TONES
    first, colours, plain, clipped, functions = torch.split_with_sizes(found, parts)
    first.fill_(1)
    torch.sub(centre, MIDDLE, out=colours)
    by_colour = -1, *centre.shape
    _differences(padded, centre, step, plain.view(by_colour), clipped.view(by_colour))
    torch.cat([*tones(colours)], out=functions)
    return found


def _differences(padded: Tensor, centre: Tensor, step: int, plain: Tensor, clipped: Tensor) -> None:
    """Differences to each pair and to each mean, into [N, 3, H, W] that are given; the rest as in `features`."""
    one, other = torch.empty_like(centre), torch.empty_like(centre)
    for number, offset in enumerate(PAIRS):
        for beside, difference in zip(pair(padded, offset), (one, other), strict=True):
            torch.sub(beside[:, :, ::step], centre, out=difference)
        torch.add(one, other, out=plain[number])
        torch.add(one.clamp_(-CLIP, CLIP), other.clamp_(-CLIP, CLIP), out=clipped[number])
    for number, distance in enumerate(MEANS, len(PAIRS)):
        torch.sub(mean(padded, distance)[:, :, ::step], centre, out=plain[number])
        torch.clamp(plain[number], -CLIP, CLIP, out=clipped[number])


def pair(padded: Tensor, offset: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The neighbours of every sample at an offset and opposite, two views [3, H, W] of padded [3, H + 16, W + 16]."""
    height, width = (side - 2 * REACH for side in padded.shape[1:])
    one, other = (
        padded[:, REACH + sign * offset[0] :, REACH + sign * offset[1] :][:, :height, :width] for sign in (1, -1)
    )
    return one, other


def surroundings(padded: Tensor, distance: int) -> Tensor:
    """What the means over squares of this distance are made of, a view of padded [3, H + 16, W + 16]."""
    beside = REACH - distance
    return padded[:, beside : padded.shape[1] - beside, beside : padded.shape[2] - beside]


def mean(padded: Tensor, distance: int) -> Tensor:
    """Means [3, H, W] over the squares around every sample; `padded` as in `features`."""
    return square_sums(surroundings(padded, distance), distance) / (2 * distance + 1) ** 2


def square_sums(x: Tensor, distance: int) -> Tensor:
    """Sums of x [3, H, W] over all squares of sides 2 * distance + 1 within it."""
    side = 2 * distance + 1
    return _sums(_sums(x, side, 2), side, 1)


def _sums(x: Tensor, side: int, axis: int) -> Tensor:
    """Sums of `side` samples in a row along an axis of x [3, H, W]; the library's pooling takes longer."""
    count = x.shape[axis] - side + 1
    total = x.narrow(axis, 0, count).clone()
    for start in range(1, side):
        total += x.narrow(axis, start, count)
    return total


def tones(colours: Tensor) -> Iterator[Tensor]:
    """Functions of colours [3, H, W] less MIDDLE."""
    for knot in KNOTS:
        yield (colours - knot).clamp(min=0)
    shares = colours / MIDDLE
    for one, two in combinations_with_replacement(range(3), 2):
        yield colours[one : one + 1] * shares[two]
    for one, two, three in combinations_with_replacement(range(3), 3):
        yield colours[one : one + 1] * shares[two] * shares[three]


def weighted(seen: Tensor, weights: Tensor) -> Tensor:
    """Residuals [3, H, W] of features [FEATURES, H, W] under weights [3, FEATURES]; or the other way round."""
    return (weights @ seen.flatten(1)).reshape(-1, *seen.shape[1:])


def strip_rows(picture: Tensor) -> int:
    """Rows of a picture [3, H, W] that are filtered at once."""
    return max(1, (GPU_STRIP if picture.is_cuda else STRIP) // picture.shape[2])


def residual(picture: Tensor, taps: NDArray[np.float32]) -> Tensor:
    """What the post-filter adds to a picture.

    Args:
      picture: [3, H, W] float, nominally in [0, 1]; it is clamped first.
      taps: [FEATURES, 3], see `LinearFilter.taps`.

    Returns:
      [3, H, W] float in levels.
    """
    padded, weights = padded_levels(picture), torch.from_numpy(taps.T.copy()).to(picture.device)
    added = torch.empty_like(picture)
    rows = strip_rows(picture)

    @torch.inference_mode()
    def filter_strip(top: int) -> None:
        added[:, top : top + rows] = weighted(features(padded[:, top : top + rows + 2 * REACH]), weights)

    _for_each(filter_strip, range(0, picture.shape[1], rows), 1 if picture.is_cuda else torch.get_num_threads())
    return added


def _for_each(action: Callable[[int], None], values: Sequence[int], threads: int) -> None:
    """Each thread takes one value after another: all of them in every small operation would wait for each other."""
    if threads == 1:
        for value in values:
            action(value)
        return
    try:
        with ThreadPoolExecutor(threads, "strip", torch.set_num_threads, (1,)) as pool:
            list(pool.map(action, values))
    finally:
        torch.set_num_threads(threads)


def apply_taps(picture: Tensor, taps: NDArray[np.float32]) -> Tensor:
    """Filters a picture [3, H, W] float, nominally in [0, 1], to the same; see `residual`."""
    return picture.clamp(0, 1) + residual(picture, taps) / 255
