"""Latents to bytes: the mirror of decoder_pkg.codecs.hyperprior.payload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from decoder_pkg.codecs.hyperprior import EntropyModel, Walk, by_table, code_latents, coefficient_tables
from decoder_pkg.entropy import (
    CERTAIN,
    MEAN_STEPS,
    NO_BINS,
    Q_ONE,
    CodingStep,
    CodingTable,
    Grid,
    Symbols,
    encode_values,
)
from decoder_pkg.grids import hyper_grid

STATE_BITS = 64
"""Width of the range coder's state."""

STIFFNESS = 36.0
"""Bits that a latent off by one whole step is worth, found on training crops; each gain is trained at its own slope."""

MOST_STEPS = 4
"""Steps that a symbol may go towards zero; more than one is worth it where little of a latent's cell is seen."""

ROUNDING = STIFFNESS, MOST_STEPS
"""What candidates depend on beside weights and settings; a part of every key under which results are kept."""

LARGEST = 15
"""Symbols beyond this are rounded to the nearest integer: their neighbours cost about the same."""

NO_COEFFICIENTS: Symbols = np.zeros(0, dtype=np.int32)

Rounding = Callable[[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]], Grid]
"""Residuals [n, K] in quantisation steps, the coding table of each and their worth [n, 1] to symbols."""


@dataclass(frozen=True)
class QuantisedLatents:
    """The integers of one picture, in coding order.

    Attributes:
      z: [hz, wz, Z] int32 hyper-latents.
      steps: what is coded together.
      symbols: [n, K] int32 for each step, y_q of Zhao et al. 2021, Eq. 3.
      latents: [h, w, M] int32 reconstructed latents in 1/4096.
    """

    z: Grid
    steps: tuple[CodingStep, ...]
    symbols: tuple[Grid, ...]
    latents: Grid


def nearest(residuals: NDArray[np.float32], _tables: NDArray[np.uint8], _worth: NDArray[np.float32]) -> Grid:
    """The nearest integers."""
    return np.round(residuals).astype(np.int32)


def savings(tables: Sequence[CodingTable]) -> NDArray[np.float32]:
    """Bits that the integer one nearer to zero saves: [tables, LARGEST + 1] by magnitude; none for 0 and LARGEST."""
    sizes = np.arange(LARGEST, dtype=np.int32)
    bits = np.array([[table.bits(sizes[size : size + 1]) for size in sizes] for table in tables])
    return np.pad(np.diff(bits, axis=1), ((0, 0), (1, 1))).astype(np.float32)


def rate_aware(saved: NDArray[np.float32], q: int) -> Rounding:
    """Rounds to the nearest integer, or nearer to zero where that saves more than it loses.

    Args:
      saved: see `savings`.
      q: quantisation step in 1/128, in which distances weigh by their square.
    """
    stiffness = np.float32(STIFFNESS * (q / Q_ONE) ** 2)

    def rounding(residuals: NDArray[np.float32], tables: NDArray[np.uint8], worth: NDArray[np.float32]) -> Grid:
        symbols = nearest(residuals, tables, worth)
        for _ in range(MOST_STEPS):
            size = np.abs(symbols)
            lost = worth * stiffness * (2 * (np.abs(residuals) - size) + 1)
            smaller = saved[tables, np.minimum(size, LARGEST)] > lost
            if not smaller.any():
                break
            symbols = np.where(smaller, symbols - np.sign(symbols), symbols)
        return symbols

    return rounding


def quantise(
    model: EntropyModel,
    y: NDArray[np.float32],
    z: NDArray[np.float32],
    q: int,
    rounding: Rounding = nearest,
    walk: Walk = code_latents,
    worth: NDArray[np.float32] | None = None,
) -> QuantisedLatents:
    """Rounds float latents around the decoder's own integer means.

    Args:
      model: the integer entropy model.
      y: [h, w, M] float, latents in units of the quantisation step at q = 1.
      z: [ceil(h/4), ceil(w/4), Z] float hyper-latents.
      q: quantisation step in 1/128.
      rounding: of the latents; hyper-latents go to the nearest integer.
      walk: the coding order; streams are written in the model's own.
      worth: [h, w] what an error of each position's latents counts; 1 by default.
    """
    height, width = y.shape[:2]
    counts = np.ones((height, width), dtype=np.float32) if worth is None else worth
    assert z.shape[:2] == hyper_grid(height, width)
    z_hat = np.round(z).astype(np.int32)
    steps: list[CodingStep] = []
    symbols: list[Grid] = []

    def exchange(step: CodingStep) -> Grid:
        residuals = step.of(y).astype(np.float32) - step.mean / np.float32(MEAN_STEPS)
        steps.append(step)
        positions = step.rows * step.table.shape[1] // y.shape[2]
        rounded = rounding((residuals * (Q_ONE / q)).astype(np.float32), step.table, counts.reshape(-1, 1)[positions])
        symbols.append(np.where(step.table == CERTAIN, np.int32(0), rounded))
        return symbols[-1]

    latents = walk(model, model.hyper_parameters(z_hat, height, width), q, exchange)
    return QuantisedLatents(z_hat, tuple(steps), tuple(symbols), latents)


def encode_payload(
    model: EntropyModel,
    quantised: QuantisedLatents,
    gain: int,
    bins: NDArray[np.int64] = NO_BINS,
    coefficients: Symbols = NO_COEFFICIENTS,
) -> bytes:
    """Range-codes the post-filter's coefficients, hyper-latents, then latents step by step, each step table by table.

    Args:
      model: the integer entropy model.
      quantised: the integers.
      gain: gain index.
      bins: scale bins [K] of the coefficients.
      coefficients: [K] int32 of the post-filter.
    """
    coder = constriction.stream.queue.RangeEncoder()
    for k, table in coefficient_tables(model, bins):
        encode_values(coder, table, coefficients[k : k + 1])
    for channel, table in enumerate(model.hyper_tables_at(gain)):
        encode_values(coder, table, quantised.z[:, :, channel].reshape(-1))
    for step, symbols in zip(quantised.steps, quantised.symbols, strict=True):
        flat = symbols.reshape(-1)
        for table, places in by_table(step, model.latent_tables):
            encode_values(coder, table, flat[places])
    return shortest_payload(coder)


def shortest_payload(coder: Any) -> bytes:
    """The fewest bytes from which the reader, who completes them with zeros, finds the way to the end.

    The coder's state is the interval [low, low + size) of 64-bit numbers that may follow the words already out.
    """
    written, (low, size) = coder.pos()
    words = coder.get_compressed().astype(">u4").tobytes()
    if low + size > 1 << STATE_BITS:  # a carry into the words is still open: the library closes it
        return bytes(words.rstrip(b"\0"))
    for length in range(STATE_BITS // 8 + 1):
        unit = 1 << STATE_BITS - 8 * length
        end = -(-low // unit) * unit
        if end < low + size:
            break
    return bytes((words[: 4 * written] + end.to_bytes(8, "big")[:length]).rstrip(b"\0"))


def ideal_bits(model: EntropyModel, quantised: QuantisedLatents, gain: int) -> float:
    """Information content in bits under the integer tables, before the range coder's rounding."""
    total = sum(t.bits(quantised.z[:, :, c].reshape(-1)) for c, t in enumerate(model.hyper_tables_at(gain)))
    flat = np.concatenate([symbols.reshape(-1) for symbols in quantised.symbols])
    index = np.concatenate([step.table.reshape(-1) for step in quantised.steps])
    for table in np.unique(index[index != CERTAIN]):
        total += model.latent_tables[table].bits(flat[index == table])
    return float(total)
