"""Latents to bytes: the mirror of decoder_pkg.latent_decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from decoder_pkg.entropy_model import (
    MEAN_STEPS,
    Q_ONE,
    EntropyModel,
    Grid,
    Order,
    dequantise,
    hyper_grid,
    magnitudes,
    wavefront,
)
from decoder_pkg.tables import CodingTable, encode_values

STATE_BITS = 64
"""Width of the range coder's state."""


@dataclass(frozen=True)
class QuantisedLatents:
    """The integers of one picture, with everything that chooses their coding tables.

    Attributes:
      z: [hz, wz, Z] int32 hyper-latents.
      symbols: [h, w, M] int32, y_q of Zhao et al. 2021, Eq. 3.
      latents: [h, w, M] int32 reconstructed latents in 1/256.
      table_index: [h, w, M] uint8.
    """

    z: Grid
    symbols: Grid
    latents: Grid
    table_index: NDArray[np.uint8]


def quantise(model: EntropyModel, y: NDArray[np.float32], z: NDArray[np.float32], q: int) -> QuantisedLatents:
    """Rounds float latents around the decoder's own integer means.

    Args:
      model: the integer entropy model.
      y: [h, w, M] float, latents in units of the quantisation step at q = 1.
      z: [ceil(h/4), ceil(w/4), Z] float hyper-latents.
      q: quantisation step in 1/128.
    """
    height, width = y.shape[:2]
    assert z.shape[:2] == hyper_grid(height, width)
    rounded = np.round(z).astype(np.int32)
    parameters = model.hyper_parameters(rounded, height, width)
    symbols = np.round((y - parameters.mean / np.float32(MEAN_STEPS)) * np.float32(Q_ONE / q)).astype(np.int32)
    residuals = dequantise(symbols, q)
    context = model.layers["context.enter"].grid(magnitudes(residuals).astype(np.float64))
    flat = context.reshape(height * width, -1), parameters.features.reshape(height * width, -1)
    index = model.table_index(*flat, q).reshape(symbols.shape)
    return QuantisedLatents(rounded, symbols, parameters.mean + residuals, index)


def encode_latents(model: EntropyModel, quantised: QuantisedLatents, gain: int, order: Order = wavefront) -> bytes:
    """Range-codes hyper-latents, then latents in coding order, each step table by table."""
    coder = constriction.stream.queue.RangeEncoder()
    for channel, table in enumerate(model.hyper_tables_at(gain)):
        encode_values(coder, table, quantised.z[:, :, channel].reshape(-1))
    height, width = quantised.symbols.shape[:2]
    for rows, columns in order(height, width):
        _encode_step(coder, model, quantised.symbols[rows, columns], quantised.table_index[rows, columns])
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
    flat, index = quantised.symbols.reshape(-1), quantised.table_index.reshape(-1)
    for table in np.unique(index):
        total += model.latent_tables[table].bits(flat[index == table])
    return float(total)


def _encode_step(coder: Any, model: EntropyModel, symbols: Grid, index: NDArray[np.uint8]) -> None:
    flat, tables = symbols.reshape(-1), index.reshape(-1)
    by_table = np.argsort(tables, kind="stable")
    counts = np.bincount(tables, minlength=len(model.latent_tables))
    start = 0
    for number in np.flatnonzero(counts):
        table: CodingTable = model.latent_tables[number]
        encode_values(coder, table, flat[by_table[start : start + counts[number]]])
        start += counts[number]
