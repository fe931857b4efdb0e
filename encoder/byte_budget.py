"""The best candidate of one picture within a number of bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from eval.metrics import SQUARED_ERROR

from .candidates import Candidate
from .codecs import ModelSetting, trained_multiplier
from .picture_coder import LEAST_CHANGE, PARTNER_MULTIPLIERS, PictureCoder
from .prediction import Prediction
from .presets import Preset

MAX_BPP = 1000
"""Bits per pixel: more than any picture takes; one of a single pixel has a header of a few dozen bytes."""

ROUNDS = 5
"""Settings that are coded at most, each chosen by what those before it took."""

SMALLER = 0.95
"""Factor of the bytes that are wanted, again and again, where nothing fits."""

ATTEMPTS = 3
ELASTICITY = 0.63
"""Bytes go about as multiplier^-ELASTICITY: an octave of lambda changes them by a factor of 1.55."""

TARGET_FILL = 0.9995
"""Share of the budget above which it counts as filled."""


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
    return _encode_within(coder, _predict(coder, budget), size, budget)


def _predict(coder: PictureCoder, budget: int) -> Prediction:
    """What the settings around a budget are expected to take and to lose."""
    return coder.predict(coder.zoo.specialists(_nearest(coder, coder.predict(), budget).gain))


def _encode_within(
    coder: PictureCoder, prediction: Prediction, size: Callable[[Candidate], int], budget: int
) -> Candidate:
    """Codes settings that are expected to fill the budget, and rounds the best of them to fit."""
    coded: dict[ModelSetting, Candidate] = {}

    def code(wanted: float) -> bool:
        """Codes the setting that is expected to take about so many bytes; whether it is a new one."""
        at = _nearest(coder, prediction, round(wanted))
        if at in coded:
            return False
        measured = coder.encode(*at)
        coded[at] = measured.candidate
        prediction.learn(at, size(measured.candidate), measured.losses)
        return True

    while len(coded) < ROUNDS and code(budget):
        pass
    near = min(coded.values(), key=lambda candidate: abs(math.log(size(candidate) / max(1, budget))))
    overhead = size(near) - near.header.length
    room = range(math.ceil(TARGET_FILL * budget) - overhead, max(0, budget - overhead) + 1)
    fits = near.header.length in room or coder.zoo.models[near.header.model].conventional
    rounded = [] if fits else [coder.to_fit(near, room).candidate]
    wanted = float(budget)
    while wanted >= 1 and not _fitting([*coded.values(), *rounded], size, budget):
        wanted *= SMALLER
        code(wanted)
    fitting = _fitting([*coded.values(), *rounded], size, budget)
    if not fitting:
        least = min(map(size, coded.values()))
        raise BudgetError(f"the coarsest stream takes {least} bytes, {budget} are allowed: raise --bpp")
    return min(fitting, key=lambda candidate: candidate.squared_error)


def _fitting(candidates: Sequence[Candidate], size: Callable[[Candidate], int], budget: int) -> list[Candidate]:
    return [candidate for candidate in candidates if size(candidate) <= budget]


def _nearest(coder: PictureCoder, prediction: Prediction, budget: int) -> ModelSetting:
    return prediction.nearest(max(1, budget), SQUARED_ERROR, coder.pixels.shape[0] * coder.pixels.shape[1])


def refine_within(coder: PictureCoder, size: Callable[[Candidate], int], budget: int, effort: Preset) -> Candidate:
    """As `encode_within`, with latents refined at the Lagrange multiplier where the budget is expected to be full.

    Raises:
      BudgetError: even the coarsest candidate is too large.
    """
    prediction = _predict(coder, budget)
    best = _encode_within(coder, prediction, size, budget)
    learned = coder.zoo.learned.models
    if not effort.method or not learned:
        return best
    roomy, ratio = _nearest(coder, prediction, int(budget / (1 - effort.saving))), 1.0
    multiplier = trained_multiplier(roomy.gain, roomy.q)
    pixels = coder.pixels.shape[0] * coder.pixels.shape[1]
    for _ in range(ATTEMPTS):
        multiplier *= ratio ** (1 / ELASTICITY)
        cheapest = prediction.cheapest(multiplier, SQUARED_ERROR, pixels)
        starts = [start for start in cheapest if start.model in learned]
        first = coder.refine(starts, multiplier, effort).candidate
        ratio = size(first) / budget
        if abs(ratio - 1) < LEAST_CHANGE:
            break
    other, kept = multiplier * PARTNER_MULTIPLIERS[ratio > 1], [ModelSetting(*first.header.setting)]
    partner = coder.refine(kept, other, effort, kept=True).candidate
    small, large = sorted((first, partner), key=size)
    candidates = [best, small, large]
    if size(small) <= budget < size(large):
        overhead = size(large) - large.header.length
        room = range(math.ceil(TARGET_FILL * budget) - overhead, budget - overhead + 1)
        candidates.append(next(coder.between(small, large, room)).candidate)
    return min(_fitting(candidates, size, budget), key=lambda candidate: candidate.squared_error)
