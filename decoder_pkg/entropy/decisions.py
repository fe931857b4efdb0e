"""Symbols coded by decisions between two sides, each as likely as integer cumulative masses say.

A symbol with probabilities of its own needs no table: only the masses that its decisions ask for are computed, two or
three for most symbols. Whatever is asked at once, of all symbols of a step, is one call of the range coder.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import constriction
import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptPayload
from .coding_tables import PRECISION, Symbols
from .interface import Bits, Coder, Grid, SymbolModel

Masses = NDArray[np.int64]
Places = NDArray[np.intp]
Answers = NDArray[np.bool_]

MASS_BITS = 38
TOTAL = 1 << MASS_BITS
"""Mass of all integers together: shifted by PRECISION it still fits 63 bits."""

RARE = 1 << MASS_BITS - 20
"""About what is added to the mass on either side of zero: real latents have heavier tails than any density."""

SKIP_BITS = 12
"""A symbol that is other than zero once in 2^SKIP_BITS times or less is not coded (skip mode)."""

REACH_BITS = 16
"""Magnitudes are below 2^REACH_BITS."""

_DECISION = constriction.stream.model.Categorical(perfect=False, lazy=True)

Question = Callable[[Symbols], Answers]
Ask = Callable[[Places, Question, Masses], Answers]
"""Decides for the symbols at some places: what is asked of a symbol, and the share of 2^24 of those who say yes."""


class DecidedSymbols(SymbolModel):
    """Symbols [n, K] of which the mass below any integer is known.

    A decision tells whether a symbol is zero; if not, whether it is negative; then whether its magnitude is below 2,
    4, 8 ...; then which half of what is left it lies in, until one integer is left.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """How many positions, and symbols of each: n, K."""

    @abstractmethod
    def below(self, integers: Symbols, places: Places) -> Masses:
        """Mass of all symbols below an integer each, in [0, TOTAL].

        Args:
          integers: [m].
          places: [m] of the symbols in the flattened step.
        """

    def encode(self, coder: Coder, symbols: Grid) -> None:
        flat = symbols.reshape(-1)
        if np.abs(flat).max(initial=0) >= 1 << REACH_BITS:
            raise ValueError(f"a latent of {np.abs(flat).max()} is beyond the reach of the decisions")

        def ask(places: Places, question: Question, shares: Masses) -> Answers:
            answers = question(flat[places])
            coder.encode(answers.astype(np.int32), _DECISION, _probabilities(shares))
            return answers

        self._find(ask, self._coded)

    def decode(self, coder: Coder) -> Grid:
        def ask(places: Places, question: Question, shares: Masses) -> Answers:
            try:
                return np.asarray(coder.decode(_DECISION, _probabilities(shares)) == 1)
            except AssertionError as error:
                raise CorruptPayload(f"the range coder stopped: {error}") from None

        symbols = np.zeros(np.prod(self.shape, dtype=int), dtype=np.int32)
        symbols[self._coded] = self._find(ask, self._coded)
        return symbols.reshape(self.shape)

    def bits(self, symbols: Grid) -> Bits:
        found = np.zeros(symbols.size)
        found[self._coded] = self._bits(symbols.reshape(-1)[self._coded], self._coded)
        return found.reshape(symbols.shape)

    def savings(self, symbols: Grid) -> NDArray[np.float32]:
        flat, saved = symbols.reshape(-1), np.zeros(symbols.size, dtype=np.float32)
        places = self._coded[flat[self._coded] != 0]
        values = flat[places]
        saved[places] = self._bits(values, places) - self._bits(values - np.sign(values), places)
        return saved.reshape(symbols.shape)

    @property
    def skipped(self) -> NDArray[np.bool_]:
        return self._skipped.reshape(self.shape)

    @cached_property
    def _sides(self) -> tuple[Masses, Masses]:
        """Mass below zero and above of every symbol of the flattened step."""
        every = np.arange(np.prod(self.shape, dtype=int))
        zero = np.zeros(len(every), dtype=np.int32)
        return self.below(zero, every), TOTAL - self.below(zero + np.int32(1), every)

    @cached_property
    def _skipped(self) -> NDArray[np.bool_]:
        below, above = self._sides
        return np.asarray(below + above <= TOTAL >> SKIP_BITS)

    @cached_property
    def _coded(self) -> Places:
        return np.flatnonzero(~self._skipped)

    def _bits(self, values: Symbols, places: Places) -> Bits:
        """Of the symbols at some places."""
        found, row_of = np.zeros(len(places)), np.zeros(np.prod(self.shape, dtype=int), dtype=np.intp)
        row_of[places] = np.arange(len(places))

        def ask(asked: Places, question: Question, shares: Masses) -> Answers:
            rows = row_of[asked]
            answers = question(values[rows])
            found[rows] += PRECISION - np.log2(np.where(answers, shares, (1 << PRECISION) - shares))
            return answers

        self._find(ask, places)
        return found

    def _find(self, ask: Ask, places: Places) -> Symbols:
        """The symbols at some places."""
        symbols = np.zeros(len(places), dtype=np.int32)
        below, above = (side[places] for side in self._sides)
        every = np.full_like(below, TOTAL + 2 * rare(1))
        rest = np.flatnonzero(~ask(places, _is_zero, share(TOTAL - below - above, every)))
        places, below, above = places[rest], below[rest] + rare(1), above[rest] + rare(1)
        negative = ask(places, _is_negative, share(below, below + above))
        magnitudes = self._magnitudes(ask, places, negative, np.where(negative, below, above))
        symbols[rest] = np.where(negative, -magnitudes, magnitudes)
        return symbols

    def _magnitudes(self, ask: Ask, places: Places, negative: Answers, mass: Masses) -> Symbols:
        """Magnitudes of symbols other than zero; the mass is that of all that have their sign."""
        side = _Side(self, places, negative)
        first, width = np.ones(len(places), dtype=np.int32), np.ones(len(places), dtype=np.int32)
        near, far = mass, np.zeros_like(mass)
        left = np.arange(len(places))
        for _ in range(REACH_BITS - 1):
            end = 2 * first[left]
            far[left] = side.beyond(end, left)
            left = left[~ask(places[left], _is_below(end), share(near[left] - far[left], near[left]))]
            first[left], width[left] = 2 * first[left], 2 * width[left]
            near[left], far[left] = far[left], 0
            if not len(left):
                break
        left = np.flatnonzero(width > 1)
        while len(left):
            width[left] //= 2
            middle = first[left] + width[left]
            half = side.beyond(middle, left)
            low = ask(places[left], _is_below(middle), share(near[left] - half, near[left] - far[left]))
            far[left[low]], near[left[~low]], first[left[~low]] = half[low], half[~low], middle[~low]
            left = left[width[left] > 1]
        return first


@dataclass(frozen=True)
class _Side:
    """Masses of symbols by sign and magnitude."""

    model: DecidedSymbols
    places: Places
    negative: Answers

    def beyond(self, magnitudes: Symbols, rows: Places) -> Masses:
        """Mass of the symbols of at least a magnitude each, of the side that their rows name, rare ones included."""
        negative = self.negative[rows]
        mass = self.model.below(np.where(negative, 1 - magnitudes, magnitudes), self.places[rows])
        return np.asarray(np.where(negative, mass, TOTAL - mass) + rare(magnitudes), dtype=np.int64)


def rare(magnitudes: Symbols | int) -> Masses:
    """Mass that is added to that of the symbols of one sign and of these magnitudes and more: something to each."""
    return np.asarray(RARE // magnitudes + (1 << REACH_BITS) - magnitudes, dtype=np.int64)


def share(part: Masses, whole: Masses) -> Masses:
    """A part of a positive mass in 2^-24 of it, at least one and not all."""
    return np.asarray(np.clip((part << PRECISION) // whole, 1, (1 << PRECISION) - 1), dtype=np.int64)


def _is_zero(symbols: Symbols) -> Answers:
    return np.asarray(symbols == 0)


def _is_negative(symbols: Symbols) -> Answers:
    return np.asarray(symbols < 0)


def _is_below(end: Symbols) -> Question:
    return lambda symbols: np.asarray(np.abs(symbols) < end)


def _probabilities(shares: Masses) -> NDArray[np.float64]:
    """The range coder adds one to each side and scales the rest to 2^24 - 2: exact for integers minus one."""
    return np.stack([(1 << PRECISION) - shares, shares], axis=1) - 1.0
