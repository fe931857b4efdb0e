"""Coding tables as integers: those of log-spaced scales, and those of static densities."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from decoder_pkg.codecs.layers import MIXTURE_SCALE, SCALE, SIDE_SCALE, SIGMA, SIGMA_EXPONENT
from decoder_pkg.entropy import (
    BIN_OCTAVES,
    FINE_SCALES,
    MEAN_STEPS,
    PRECISION,
    Q_ONE,
    Q_VALUES,
    SCALE_BINS,
    SCALE_SHIFT,
)
from decoder_pkg.entropy.normal_tables import FINE_BITS, INVERSE_BITS, SIGMA_ONE, TAIL_BITS, TAIL_REACH, TAIL_STEPS
from decoder_pkg.gains import GAIN_STEPS
from encoder.codecs import COMPONENTS, LOG2_SIGMA_MIN, NORMAL, StaticPrior, latent_likelihood
from encoder.codecs.likelihoods import DEAD_ZONE, LEAST_SIGMA

LATENT_TABLES = 64
SUPPORT_SIGMAS = 5.0 * max(width for _, width in COMPONENTS)
ESCAPE_COUNTS = 16
"""Least frequency of an escape symbol: real latents have heavier tails than the tables."""

STATIC_TAIL = 1e-5
"""Mass outside a static table's support."""

MAX_STATIC_SUPPORT = 255

REACH_AT_ONCE = 32
"""Integers whose mass is computed at once: bounds the memory of thousands of densities."""

Arrays = dict[str, NDArray[np.generic]]
Components = tuple[tuple[float, float], ...]


def gaussian_tables(components: Components = COMPONENTS, dead_zone: float = DEAD_ZONE) -> Arrays:
    """The latents' tables, which bins share one, and the table of log2 q; arguments as of `latent_likelihood`."""
    log2_sigma = scales_of_bins()
    table_of_bin = share_tables(log2_sigma)
    supports, frequencies = [], []
    for table in range(LATENT_TABLES):
        middle = float(log2_sigma[table_of_bin == table].mean())
        mass = _mass(middle, math.ceil(SUPPORT_SIGMAS * 2.0**middle) + 1, components, dead_zone)
        supports.append(len(mass) // 2)
        frequencies.append(integer_frequencies(mass, max(0.0, 1 - float(mass.sum()))))
    return {
        "gaussian.support": np.array(supports, dtype=np.int32),
        "gaussian.frequency": np.concatenate(frequencies),
        "gaussian.table_of_bin": table_of_bin,
        "log_q": log_q_table(),
    }


def normal_tables(components: Components) -> Arrays:
    """Tails and scales of distributions whose mass is computed, see `NormalTables`, and the table of log2 q.

    Args:
      components: share and width, in units of sigma, of the Gaussians whose sum one distribution is.
    """
    steps = np.arange(TAIL_REACH * TAIL_STEPS + 1) / TAIL_STEPS
    mass = sum(share / 2 * np.vectorize(math.erfc)(steps / width / math.sqrt(2)) for share, width in components)
    tail = np.floor(mass * 2.0**TAIL_BITS).astype(np.int32)
    tail[-2:] = 0
    sigma = np.exp2(scales_of_bins())
    inverse = (1 << INVERSE_BITS + FINE_BITS) * TAIL_STEPS / (MEAN_STEPS * sigma)
    return {
        "normal.tail": tail,
        "normal.inverse": np.round(inverse).astype(np.int32),
        "normal.sigma": np.round(sigma * SIGMA_ONE).astype(np.int32),
        "log_q": log_q_table(),
    }


def sigma_tables() -> Arrays:
    """Tables of one Gaussian without a dead zone, and the thresholds of its standard deviation.

    Entry k - 1 is the least sigma, in 2^-SIGMA_EXPONENT, whose scale is k / FINE_SCALES of a bin; none is below
    LEAST_SIGMA.
    """
    step = np.arange(1, SCALE_BINS * FINE_SCALES) - 0.5
    sigma = np.exp2(LOG2_SIGMA_MIN + step * BIN_OCTAVES / FINE_SCALES)
    thresholds = np.where(sigma <= LEAST_SIGMA, -(2**31), np.ceil(sigma * 2.0**SIGMA_EXPONENT))
    return gaussian_tables(NORMAL, 0.0) | {"sigma.threshold": thresholds.astype(np.int32)}


def scales_of_bins() -> NDArray[np.float64]:
    """[SCALE_BINS] log2 of the standard deviation in the middle of each bin."""
    return np.asarray(LOG2_SIGMA_MIN + np.arange(SCALE_BINS) * BIN_OCTAVES)


def log_q_table() -> NDArray[np.int16]:
    """[Q_VALUES] log2 q in steps of a scale."""
    steps = np.arange(Q_VALUES).clip(min=1) / Q_ONE
    return np.round(np.log2(steps) / BIN_OCTAVES * (1 << SCALE_SHIFT)).astype(np.int16)


SCALE_TABLES: dict[str, Callable[[], Arrays]] = {
    SCALE: gaussian_tables,
    SIGMA: sigma_tables,
    MIXTURE_SCALE: partial(normal_tables, NORMAL),
    SIDE_SCALE: partial(normal_tables, COMPONENTS),
}
"""What layers that yield scales need, by their kind."""


def share_tables(log2_sigma: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Assigns bins to tables so that the mean relative loss of sharing is least.

    A small sigma loses most: its rate hangs on the rare symbol +-1. The loss of a table grows with the square of its
    width, so the density of tables goes with the cube root of the loss at unit width.

    Args:
      log2_sigma: [bins] middle of each bin.
    """
    density = np.cbrt([_relative_loss(value) for value in log2_sigma])
    passed = np.cumsum(density)
    tables = np.floor(LATENT_TABLES * (passed - density / 2) / passed[-1]).astype(np.uint8)
    assert len(np.unique(tables)) == LATENT_TABLES
    return np.asarray(tables, dtype=np.uint8)


def _relative_loss(log2_sigma: float, step: float = 1e-3) -> float:
    """Share of the bits lost per squared octave of error: Fisher information over entropy."""
    support = math.ceil(2 * SUPPORT_SIGMAS * 2.0**log2_sigma) + 1
    low, mass, high = (_mass(log2_sigma + shift, support) for shift in (-step, 0.0, step))
    seen = np.minimum(np.minimum(low, mass), high) > 0
    low, mass, high = low[seen], mass[seen], high[seen]
    information = float((mass * np.square(np.log(high / low) / (2 * step))).sum())
    return information / float(-(mass * np.log(mass)).sum())


def _mass(
    log2_sigma: float, support: int, components: Components = COMPONENTS, dead_zone: float = DEAD_ZONE
) -> NDArray[np.float64]:
    """Mass of each integer in [-support, support]."""
    values = torch.arange(-support, support + 1, dtype=torch.float64)
    return np.asarray(latent_likelihood(values, torch.full_like(values, log2_sigma), dead_zone, components).numpy())


def static_tables(prefix: str, prior: StaticPrior) -> Arrays:
    """One table for each octave and channel of a grid, cut where the tails are negligible, under a prefix."""
    offset = np.round(prior.centre().detach().numpy()).astype(np.int16)
    octaves, channels = offset.shape
    mass = _static_mass(prior, offset)
    supports = np.empty((octaves, channels), dtype=np.int32)
    frequencies = []
    for octave in range(octaves):
        for channel in range(channels):
            row = mass[octave, channel]
            folded = row[MAX_STATIC_SUPPORT:] + row[MAX_STATIC_SUPPORT::-1] * (np.arange(MAX_STATIC_SUPPORT + 1) > 0)
            inside = np.cumsum(folded)
            support = max(1, int(np.searchsorted(inside, 1 - STATIC_TAIL)))
            support = min(support, MAX_STATIC_SUPPORT)
            cut = row[MAX_STATIC_SUPPORT - support : MAX_STATIC_SUPPORT + support + 1]
            supports[octave, channel] = support
            frequencies.append(integer_frequencies(cut, max(0.0, 1 - float(inside[support]))))
    return {
        f"{prefix}.support": supports,
        f"{prefix}.offset": offset,
        f"{prefix}.frequency": np.concatenate(frequencies),
    }


@torch.no_grad()
def _static_mass(prior: StaticPrior, offset: NDArray[np.int16]) -> NDArray[np.float64]:
    """Mass [octaves, channels, 2 * MAX_STATIC_SUPPORT + 1] of the integers around the offsets [octaves, channels]."""
    reach = torch.arange(-MAX_STATIC_SUPPORT, MAX_STATIC_SUPPORT + 1)
    middle, precise = torch.from_numpy(offset.astype(np.float64))[:, :, None, None], copy.deepcopy(prior).double()
    gains = torch.arange(len(offset)) * GAIN_STEPS
    parts = [precise.likelihood(middle + part, gains)[:, :, 0] for part in torch.split(reach, REACH_AT_ONCE)]
    return np.asarray(torch.cat(parts, dim=2).numpy())


def integer_frequencies(mass: NDArray[np.float64], escape_mass: float) -> NDArray[np.uint32]:
    """Positive integers proportional to the masses, the escape symbol last, summing to 2^24."""
    total = 1 << PRECISION
    weights = np.append(np.maximum(mass, 0), escape_mass)
    counts = np.maximum(1, np.floor(weights / weights.sum() * total)).astype(np.int64)
    counts[-1] = max(counts[-1], ESCAPE_COUNTS)
    counts[np.argmax(counts)] += total - counts.sum()
    return np.asarray(counts, dtype=np.uint32)
