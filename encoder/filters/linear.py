"""The linear post-filter of one picture: coefficients and strength m of least rate and distortion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decoder_pkg.entropy import BIN_OCTAVES, CodingTable, Symbols
from decoder_pkg.pixels.filters import M_MAX, LinearFilter, LinearParameters, PostFilter
from decoder_pkg.pixels.render import Tile
from eval.machine import one_blas_thread

from ..codecs import LOG2_SIGMA_MIN
from ..pictures import Pixels
from ..search import hierarchical_search
from .interface import FilterEncoder
from .least_squares import NormalEquations, normal_equations
from .linear_gradient import DifferentiableLinearFilter

FIRST_M, M_STEPS = 32, (8, 4, 2, 1)
ROUNDS = 12
"""How often each coefficient is chosen again, at most, after the others have changed."""


@dataclass(frozen=True)
class Fit:
    """Fitted parameters, and their rate and distortion in squared error, less those without a filter."""

    parameters: LinearParameters
    cost: float


class LinearEncoder(FilterEncoder[LinearParameters]):
    """Fits the coefficients by least squares, with their bits in mind, and searches the strength."""

    version = 2

    def fit(
        self,
        post_filter: PostFilter[LinearParameters],
        pixels: Pixels,
        tiles: Sequence[Tile],
        gain: int,
        multiplier: float,
    ) -> LinearParameters | None:
        assert isinstance(post_filter, LinearFilter)
        return fit_filter(post_filter, normal_equations(pixels, tiles), gain, multiplier)

    def bits(self, post_filter: PostFilter[LinearParameters], parameters: LinearParameters) -> float:
        assert isinstance(post_filter, LinearFilter)
        coefficients = parameters.coefficients
        coded = (float(table.bits(coefficients[k : k + 1])[0]) for k, table in post_filter.tables(parameters.m))
        return math.log2(M_MAX) + sum(coded)

    def differentiable(
        self, post_filter: PostFilter[LinearParameters], parameters: LinearParameters
    ) -> DifferentiableLinearFilter:
        assert isinstance(post_filter, LinearFilter)
        return DifferentiableLinearFilter(post_filter.taps(parameters))


@one_blas_thread()
def fit_filter(
    post_filter: LinearFilter, equations: NormalEquations, gain: int, multiplier: float
) -> LinearParameters | None:
    """The strength and coefficients that cost least; None where no filter costs less.

    Args:
      post_filter: the basis.
      equations: of the picture's taps.
      gain: gain index.
      multiplier: Lagrange multiplier, squared error per byte.
    """
    projected = in_basis(post_filter, equations)

    def at_strength(m: int, _best: Fit | None) -> Fit:
        step = post_filter.step(m, gain)
        in_steps = NormalEquations(projected.matrix * step**2, projected.vector * step)
        deviations = np.exp2(LOG2_SIGMA_MIN + BIN_OCTAVES * post_filter.bins(m))
        coefficients, cost = _coded(in_steps, list(post_filter.tables(m)), deviations, multiplier / 8)
        return Fit(LinearParameters(m, coefficients, gain), cost)

    first = FIRST_M, at_strength(FIRST_M, None)
    _, found = hierarchical_search(at_strength, lambda fitted: fitted.cost, first, M_STEPS, (1, M_MAX))
    return found.parameters if found.cost < 0 else None


def _coded(
    equations: NormalEquations, tables: Sequence[tuple[int, CodingTable]], deviations: NDArray[np.float64], bit: float
) -> tuple[Symbols, float]:
    """Integers of low cost: the best real coefficients rounded, then one after another, each given the others.

    Args:
      equations: of the coefficients.
      tables: of those that are coded.
      deviations: [K] standard deviation that each coefficient's table stands for.
      bit: Lagrange multiplier, squared error per bit.

    Returns:
      [K] int32, and their rate and distortion less those without a filter.
    """
    matrix, vector = equations.matrix, equations.vector
    coefficients = np.zeros(len(vector), dtype=np.int32)
    coded = [k for k, _ in tables]
    # Bits of a Gaussian coefficient grow with its square: the best real ones solve a linear system.
    growth = np.diag(bit / (2 * math.log(2) * deviations**2))
    best = np.linalg.solve((matrix + growth)[np.ix_(coded, coded)], vector[coded])
    limits = np.array([table.support for _, table in tables])
    coefficients[coded] = np.round(best).clip(-limits, limits)
    rest, curvatures = vector - matrix @ coefficients, matrix.diagonal().tolist()
    lengths = {k: table.lengths for k, table in tables}
    for _ in range(ROUNDS):
        before = coefficients.copy()
        for k, own in lengths.items():
            current = int(coefficients[k])
            chosen = _nearby(current + float(rest[k]) / curvatures[k], own, curvatures[k] / bit)
            if chosen != current:
                rest -= matrix[:, k] * (chosen - current)
                coefficients[k] = chosen
        if np.array_equal(before, coefficients):
            break
    bits = sum(own[int(coefficients[k]) + len(own) // 2] for k, own in lengths.items())
    return coefficients, bit * bits - float(coefficients @ (vector + rest))


def _nearby(best: float, lengths: Sequence[float], curvature: float) -> int:
    """The integer of least cost among those around the best real number, and zero.

    Args:
      best: what would save most.
      lengths: of all integers, in bits; zero is in the middle.
      curvature: of the squared error, in bits.
    """
    middle = len(lengths) // 2
    below = max(-middle, min(math.floor(best), middle - 1))
    chosen, least = 0, curvature * best**2 + lengths[middle]
    for value in (below, below + 1):
        cost = curvature * (value - best) ** 2 + lengths[middle + value]
        if cost < least:
            chosen, least = value, cost
    return chosen


def in_basis(post_filter: LinearFilter, equations: NormalEquations) -> NormalEquations:
    """Equations of the taps as those of the coefficients of the basis."""
    basis = post_filter.basis.astype(np.float64)
    matrix = np.einsum("kfc,fg,lgc->kl", basis, equations.matrix, basis, optimize=True)
    # A little more on the diagonal: in a flat picture some filters do nothing at all.
    return NormalEquations(matrix + np.eye(len(basis)) * 1e-6, np.einsum("kfc,fc->k", basis, equations.vector))
