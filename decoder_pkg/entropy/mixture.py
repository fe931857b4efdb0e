"""Symbols under mixtures of normal distributions (Cheng et al. 2020, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coding_tables import Symbols
from .decisions import DecidedSymbols, Masses, Places
from .fixed_point import Q_ONE
from .normal_tables import TAIL_BITS, WEIGHT_BITS, NormalTables, edges

LOGIT_BITS = 8
LOGIT_ONE = 1 << LOGIT_BITS
"""Logits of weights are in 1/LOGIT_ONE of a power of two."""

LEAST_POWER = 16
"""No weight is less than 2^-LEAST_POWER of the largest before they are rounded."""

FARTHEST = 1 << 28
"""Means and edges are within this many 1/MEAN_STEPS of a quantisation step."""


@dataclass(frozen=True)
class Mixture(DecidedSymbols):
    """Symbols [n, C] under mixtures of K normal distributions each.

    Attributes:
      tables: of the distributions.
      weight: [K, n, C] int64, positive or zero, summing to 2^WEIGHT_BITS over K.
      mean: [K, n, C] int64, in 1/MEAN_STEPS of a quantisation step, within FARTHEST.
      bins: [K, n, C] uint8, scale bins.
    """

    tables: NormalTables
    weight: NDArray[np.int64]
    mean: NDArray[np.int64]
    bins: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.mean.shape[1:]

    def below(self, integers: Symbols, places: Places) -> Masses:
        weight, mean = (part.reshape(len(part), -1)[:, places] for part in (self.weight, self.mean))
        distance = edges(integers) - mean
        tails = self.tables.tails(np.abs(distance), self.bins.reshape(len(mean), -1)[:, places])
        masses: Masses = (weight * np.where(distance < 0, tails, (1 << TAIL_BITS) - tails)).sum(0)
        return masses


def mixture_weights(logits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Weights [K, ...] that sum to 2^WEIGHT_BITS, in the proportions of 2^logit.

    Between powers of two the exponential is linear (Mitchell 1962), so that integers have it exactly.

    Args:
      logits: [K, ...] in 1/LOGIT_ONE.
    """
    below = np.maximum(logits - logits.max(axis=0), -LOGIT_ONE * LEAST_POWER)
    powers = (LOGIT_ONE + (below & LOGIT_ONE - 1)) << (below >> LOGIT_BITS) + LEAST_POWER
    weights: NDArray[np.int64] = (powers << WEIGHT_BITS) // powers.sum(axis=0)
    weights[0] += (1 << WEIGHT_BITS) - weights.sum(axis=0)
    return weights


def relative_means(means: NDArray[np.int64], q: int) -> NDArray[np.int64]:
    """Means in 1/MEAN_STEPS as those in 1/MEAN_STEPS of a quantisation step, rounded down."""
    return np.clip(means * Q_ONE // q, -FARTHEST, FARTHEST)
