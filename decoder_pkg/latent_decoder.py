"""Bytes to latents, exactly."""

from __future__ import annotations

import zlib
from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from .entropy_model import ContextGrid, EntropyModel, Grid, Order, dequantise, hyper_grid, wavefront
from .tables import decode_values


def decode_latents(
    model: EntropyModel, payload: bytes, height: int, width: int, gain: int, q: int, order: Order = wavefront
) -> Grid:
    """Decodes the latents of one picture.

    Args:
      model: the entropy model it was encoded with.
      payload: the range coder's bytes.
      height: rows of the latent grid.
      width: columns of the latent grid.
      gain: gain index.
      q: quantisation step in 1/128.
      order: the coding order; streams are written in wavefront order.

    Returns:
      [height, width, M] int32, reconstructed latents in 1/256.

    Raises:
      CorruptPayload: the bytes cannot come from an encoder.
    """
    coder = constriction.stream.queue.RangeDecoder(payload_words(payload))
    z = _decode_hyper_latents(model, coder, height, width, gain)
    parameters = model.hyper_parameters(z, height, width)
    latents = parameters.mean
    grid = ContextGrid(height, width, latents.shape[2])
    for rows, columns in order(height, width):
        context = model.layers["context.enter"].columns(grid.patches(rows, columns))
        index = model.table_index(context, parameters.features[rows, columns], q)
        residuals = dequantise(_decode_step(model, coder, index), q)
        grid.put(rows, columns, residuals)
        latents[rows, columns] += residuals
    return latents


def checksum(payload: bytes, latents: Grid) -> int:
    """Lower 16 bits of the CRC-32 of the payload followed by its latents [h, w, M] as little-endian int32.

    It covers the decoding itself: a machine on which it went another way would notice.
    """
    return zlib.crc32(np.ascontiguousarray(latents, dtype="<i4").data, zlib.crc32(payload)) & 0xFFFF


def payload_words(payload: bytes) -> NDArray[np.uint32]:
    """The range coder's words: big-endian, the last one completed by zeros."""
    return np.frombuffer(payload + bytes(-len(payload) % 4), dtype=">u4").astype(np.uint32)


def _decode_hyper_latents(model: EntropyModel, coder: Any, height: int, width: int, gain: int) -> Grid:
    rows, columns = hyper_grid(height, width)
    tables = model.hyper_tables_at(gain)
    z = np.empty((rows, columns, len(tables)), dtype=np.int32)
    for channel, table in enumerate(tables):
        z[:, :, channel] = decode_values(coder, table, rows * columns).reshape(rows, columns)
    return z


def _decode_step(model: EntropyModel, coder: Any, index: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Symbols [n, M] of one step, table by table in rising order."""
    flat = index.reshape(-1)
    by_table = np.argsort(flat, kind="stable")
    counts = np.bincount(flat, minlength=len(model.latent_tables))
    symbols = np.empty(len(flat), dtype=np.int32)
    start = 0
    for table in np.flatnonzero(counts):
        end = start + counts[table]
        symbols[by_table[start:end]] = decode_values(coder, model.latent_tables[table], int(counts[table]))
        start = end
    return symbols.reshape(index.shape)
