"""The remainder of a budget: exchanges of single choices that fill it with the least loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_STATES = 4096
"""Partial exchanges kept at once: as long as there are fewer the search is exact."""

MAX_PRODUCTS = 2**23
"""Exchanges looked at in all: where pictures have many alternatives each, fewer states are kept."""


@dataclass(frozen=True)
class Alternatives:
    """What one picture could take instead of its choice, which comes first.

    Attributes:
      candidate: [K] index of the candidate.
      extra: [K] int64, bytes more than the choice.
      regret: [K] float64 >= 0, rise of distortion plus multiplier times bytes.
    """

    candidate: NDArray[np.intp]
    extra: NDArray[np.int64]
    regret: NDArray[np.float64]


@dataclass(frozen=True)
class _States:
    """Partial exchanges: bytes added, regret so far, and where each came from."""

    extra: NDArray[np.int64]
    regret: NDArray[np.float64]
    parent: NDArray[np.intp]
    pick: NDArray[np.intp]


def best_combination(pictures: Sequence[Alternatives], left: int, multiplier: float) -> list[int]:
    """Picks one alternative of each picture so that the distortion is least within `left` more bytes.

    Distortion is, up to a constant, regret plus multiplier times the bytes left over. Pictures with nothing to exchange
    are passed over; states that another one dominates, or whose regret alone exceeds the best total, are dropped.

    Args:
      pictures: the alternatives of each picture.
      left: bytes that may be added, >= 0.
      multiplier: price of a byte in distortion, > 0.

    Returns:
      The index within each picture's alternatives.
    """
    best, best_end = multiplier * left, (0, 0)
    stages: list[tuple[int, _States]] = []
    zero = np.zeros(1, dtype=np.intp)
    states = _States(np.zeros(1, dtype=np.int64), np.zeros(1), zero, zero)
    movable = [number for number, row in enumerate(pictures) if len(row.candidate) > 1]
    # First those that could nearly do it alone: a good end is found early, and what cannot beat it is dropped.
    movable.sort(key=lambda number: _nearest(pictures[number], left, multiplier))
    slack_after = _largest_saving_after([pictures[number] for number in movable])
    products = sum(len(pictures[number].candidate) for number in movable)
    most_states = min(MAX_STATES, 2 + MAX_PRODUCTS // max(1, products))
    for number, saving in zip(movable, slack_after, strict=True):
        states = _prune(_extend(states, pictures[number]), left, left + saving, best, multiplier, most_states)
        stages.append((number, states))
        total = np.where(states.extra <= left, states.regret + multiplier * (left - states.extra), np.inf)
        # Remembered here, because pruning may drop it later.
        if len(total) and total.min() < best:
            best, best_end = float(total.min()), (len(stages), int(np.argmin(total)))
        if best == 0:
            break
    return _trace(stages[: best_end[0]], best_end[1], len(pictures))


def _nearest(picture: Alternatives, left: int, multiplier: float) -> float:
    """Least price of what one picture could do alone: its regret and the bytes by which it misses."""
    return float((picture.regret + multiplier * np.abs(left - picture.extra)).min())


def _largest_saving_after(pictures: Sequence[Alternatives]) -> list[int]:
    """For each picture, the bytes that all later ones could give back."""
    savings = [max(0, -int(row.extra.min())) for row in pictures]
    return [sum(savings[position + 1 :]) for position in range(len(savings))]


def _extend(states: _States, picture: Alternatives) -> _States:
    extra = (states.extra[:, None] + picture.extra).reshape(-1)
    regret = (states.regret[:, None] + picture.regret).reshape(-1)
    parent = np.repeat(np.arange(len(states.extra)), len(picture.extra))
    pick = np.tile(np.arange(len(picture.extra)), len(states.extra))
    return _States(extra, regret, parent, pick)


def _prune(states: _States, left: int, most: int, best: float, multiplier: float, count: int) -> _States:
    """Drops states that cannot fit, cannot win or are dominated.

    Beyond `count` half of those kept have the least regret, half the least with the bytes still to be made up for.
    """
    keep = np.flatnonzero((states.extra <= most) & (states.regret <= best))
    distortion = states.regret[keep] - multiplier * states.extra[keep]
    order = np.lexsort((distortion, states.extra[keep]))
    falling = distortion[order]
    better = np.concatenate([[True], falling[1:] < np.minimum.accumulate(falling)[:-1]])
    keep = keep[order[better]]
    if len(keep) > count:
        regret, missing = states.regret[keep], np.abs(left - states.extra[keep])
        orders = np.argsort(regret, kind="stable"), np.argsort(regret + multiplier * missing, kind="stable")
        keep = keep[np.unique(np.concatenate([order[: count // 2] for order in orders]))]
    return _States(states.extra[keep], states.regret[keep], states.parent[keep], states.pick[keep])


def _trace(stages: Sequence[tuple[int, _States]], state: int, count: int) -> list[int]:
    picks = [0] * count
    for number, states in reversed(stages):
        picks[number] = int(states.pick[state])
        state = int(states.parent[state])
    return picks
