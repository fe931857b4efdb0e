"""The best candidate of one picture within a number of bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from decoder_pkg.entropy import Q_ONE

from .candidates import Candidate
from .latents import trained_multiplier
from .picture_coder import FINEST_Q, LEAST_CHANGE, PARTNER_MULTIPLIERS, PictureCoder
from .presets import Preset

MAX_Q = 255
FINE_Q = 16
"""Steps of q tried beyond the largest gain that fits: neighbouring gains are about as far apart."""

ATTEMPTS = 3
ELASTICITY = 0.63
"""Bytes go about as multiplier^-ELASTICITY: an octave of lambda changes them by a factor of 1.55."""

FULL = 0.999
"""Share of the budget above which refined latents fill it well enough."""


class BudgetError(Exception):
    """No candidate is small enough."""


def encode_within(coder: PictureCoder, size: Callable[[Candidate], int], budget: int) -> Candidate:
    """The candidate with the least squared error among those that fit.

    Args:
      coder: the picture.
      size: bytes that a candidate takes.
      budget: bytes available.

    Raises:
      BudgetError: even the coarsest candidate is too large.
    """
    fitting = []
    smallest = None
    for model in coder.models:
        candidates = [coder.encode(model, gain, q).candidate for gain, q in _search(coder, model, size, budget)]
        fitting += [candidate for candidate in candidates if size(candidate) <= budget]
        smallest = min([smallest or 2**63, *map(size, candidates)])
    if not fitting:
        raise BudgetError(f"the coarsest stream takes {smallest} bytes, {budget} are allowed: raise --bpp")
    return min(fitting, key=lambda candidate: candidate.squared_error)


def refine_within(coder: PictureCoder, size: Callable[[Candidate], int], budget: int, effort: Preset) -> Candidate:
    """As `encode_within`, with latents refined at the Lagrange multiplier where the budget is expected to be full.

    Raises:
      BudgetError: even the coarsest candidate is too large.
    """
    best = encode_within(coder, size, budget)
    if not effort.method:
        return best
    roomy = encode_within(coder, size, int(budget / (1 - effort.saving)))
    multiplier, ratio = trained_multiplier(roomy.header.gain) * (roomy.header.q / Q_ONE) ** 2, 1.0
    for _ in range(ATTEMPTS):
        multiplier *= ratio ** (1 / ELASTICITY)
        first = coder.refine(multiplier, effort).candidate
        ratio = size(first) / budget
        if abs(ratio - 1) < LEAST_CHANGE:
            break
    partner = coder.refine(multiplier * PARTNER_MULTIPLIERS[ratio > 1], effort, like=first.header).candidate
    small, large = sorted((first, partner), key=size)
    candidates = [best, small, large]
    if size(small) <= budget < size(large):
        overhead = size(large) - large.header.length
        room = range(math.ceil(FULL * budget) - overhead, budget - overhead + 1)
        candidates.append(next(coder.between(small, large, room)).candidate)
    fitting = [c for c in candidates if size(c) <= budget]
    return min(fitting, key=lambda c: c.squared_error)


def _search(
    coder: PictureCoder, model: int, size: Callable[[Candidate], int], budget: int
) -> Iterable[tuple[int, int]]:
    """Settings (gain, q) to compare: the largest gain that fits, and the next with the smallest q that does."""
    lowest, highest = coder.gains(model)[0], coder.gains(model)[-1]

    def fits(gain: int, q: int) -> bool:
        return size(coder.encode(model, gain, q).candidate) <= budget

    gain = _last_true(lambda g: fits(g, Q_ONE), lowest, highest)
    if gain is None:
        coarser = _last_true(lambda step: fits(lowest, MAX_Q - step), 0, MAX_Q - Q_ONE)
        return [(lowest, MAX_Q - (coarser or 0))]
    settings = [(gain, Q_ONE)]
    higher = min(gain + 1, highest)
    coarsest, finest = Q_ONE + FINE_Q, Q_ONE - FINE_Q if gain < higher else FINEST_Q
    finer = _last_true(lambda step: fits(higher, coarsest - step), 0, coarsest - finest)
    return settings if finer is None else [*settings, (higher, coarsest - finer)]


def _last_true(test: Callable[[int], bool], low: int, high: int) -> int | None:
    """Largest value in [low, high] that passes a test which passes for small values and fails for large ones."""
    if not test(low):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if test(middle) else (low, middle - 1)
    return low
