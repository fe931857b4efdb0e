"""Bytes to post-filter coefficients, hyper-latents and latents, exactly."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from ...entropy import CERTAIN, NO_BINS, CodingStep, CodingTable, Exchange, Grid, Symbols, decode_values
from ...errors import CorruptPayload
from ...grids import hyper_grid
from .architecture import CAUSAL, QUADTREE
from .causal import code_causal
from .entropy_model import EntropyModel, HyperParameters
from .quadtree import code_quadtree

Walk = Callable[[EntropyModel, HyperParameters, int, Exchange], Grid]
WALKS: dict[str, Walk] = {CAUSAL: code_causal, QUADTREE: code_quadtree}
"""How the latents of each kind of context are coded."""


def code_latents(model: EntropyModel, parameters: HyperParameters, q: int, exchange: Exchange) -> Grid:
    """Walks over all latents in the coding order of the model's context, see `code_causal`."""
    return WALKS[model.arch.context](model, parameters, q, exchange)


@dataclass(frozen=True)
class DecodedPayload:
    """All integers of one picture's payload.

    Attributes:
      coefficients: [K] int32 of the post-filter; none where the picture has no filter.
      z: [hz, wz, Z] int32 hyper-latents.
      latents: [h, w, M] int32 reconstructed latents in 1/4096.
    """

    coefficients: Symbols
    z: Grid
    latents: Grid

    @property
    def sha256(self) -> str:
        """Digest of the coefficients and latents as little-endian int32, in hexadecimal."""
        integers = (np.ascontiguousarray(part, dtype="<i4") for part in (self.coefficients, self.latents))
        return hashlib.sha256(b"".join(part.tobytes() for part in integers)).hexdigest()


def decode_payload(
    model: EntropyModel,
    payload: bytes,
    height: int,
    width: int,
    gain: int,
    q: int,
    coefficient_bins: NDArray[np.int64] = NO_BINS,
    walk: Walk = code_latents,
) -> DecodedPayload:
    """Decodes the integers of one picture.

    Args:
      model: the entropy model it was encoded with.
      payload: the range coder's bytes.
      height: rows of the latent grid.
      width: columns of the latent grid.
      gain: gain index.
      q: quantisation step in 1/128.
      coefficient_bins: [K], see `postfilter.filter_bins`.
      walk: the coding order; streams are written in the model's own.

    Raises:
      CorruptPayload: the bytes cannot come from an encoder.
    """
    if payload.endswith(b"\0"):
        raise CorruptPayload("a payload never ends in a zero byte")
    coder = constriction.stream.queue.RangeDecoder(payload_words(payload))
    coefficients = _decode_coefficients(model, coder, coefficient_bins)
    z = _decode_hyper_latents(model, coder, height, width, gain)
    parameters = model.hyper_parameters(z, height, width)
    latents = walk(model, parameters, q, lambda step: _decode_step(model, coder, step))
    return DecodedPayload(coefficients, z, latents)


def checksum(payload: bytes, latents: Grid) -> int:
    """Lower 16 bits of the CRC-32 of the payload followed by its latents [h, w, M] as little-endian int32.

    It covers the decoding itself: a machine on which it went another way would notice.
    """
    return zlib.crc32(np.ascontiguousarray(latents, dtype="<i4").data, zlib.crc32(payload)) & 0xFFFF


def payload_words(payload: bytes) -> NDArray[np.uint32]:
    """The range coder's words: big-endian, the last one completed by zeros."""
    return np.frombuffer(payload + bytes(-len(payload) % 4), dtype=">u4").astype(np.uint32)


def by_table(step: CodingStep, tables: list[CodingTable]) -> list[tuple[CodingTable, NDArray[np.intp]]]:
    """The tables of a step in rising order, but CERTAIN, each with the places of its latents in the flattened step."""
    flat = step.table.reshape(-1)
    order = np.argsort(flat, kind="stable")
    counts = np.bincount(flat, minlength=len(tables))
    ends = np.cumsum(counts)
    return [(tables[t], order[ends[t] - counts[t] : ends[t]]) for t in np.flatnonzero(counts) if t != CERTAIN]


def coefficient_tables(model: EntropyModel, bins: NDArray[np.int64]) -> list[tuple[int, CodingTable]]:
    """Which of the post-filter's coefficients are coded, in order, each with its table; the others are zero.

    Args:
      model: whose tables code them.
      bins: [K], see `postfilter.filter_bins`.
    """
    tables = model.table_of_bin[bins]
    return [(int(k), model.latent_tables[tables[k]]) for k in np.flatnonzero(tables != CERTAIN)]


def _decode_coefficients(model: EntropyModel, coder: Any, bins: NDArray[np.int64]) -> Symbols:
    coefficients = np.zeros(len(bins), dtype=np.int32)
    for k, table in coefficient_tables(model, bins):
        coefficients[k] = decode_values(coder, table, 1)[0]
    return coefficients


def _decode_hyper_latents(model: EntropyModel, coder: Any, height: int, width: int, gain: int) -> Grid:
    """The hyper-latents [hz, wz, Z] int32 at the start of a payload, for a latent grid of this size."""
    rows, columns = hyper_grid(height, width)
    tables = model.hyper_tables_at(gain)
    z = np.empty((rows, columns, len(tables)), dtype=np.int32)
    for channel, table in enumerate(tables):
        z[:, :, channel] = decode_values(coder, table, rows * columns).reshape(rows, columns)
    return z


def _decode_step(model: EntropyModel, coder: Any, step: CodingStep) -> Grid:
    symbols = np.zeros(step.table.size, dtype=np.int32)
    for table, places in by_table(step, model.latent_tables):
        symbols[places] = decode_values(coder, table, len(places))
    return symbols.reshape(step.table.shape)
