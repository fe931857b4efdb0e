"""All candidates of a picture over models and gains, kept on disk so that an interrupted run goes on."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from decoder_pkg.architecture import GAIN_COUNT
from decoder_pkg.archive import ImageHeader
from decoder_pkg.entropy_model import Q_ONE

from .encode import AnalysedPicture, Candidate
from .pictures import Pixels, pixels_digest
from .weights import EncoderModel, Zoo

CACHE = Path(".cache/encodings")
CACHE_VERSION = 1
"""Raised whenever the same settings would yield another stream."""

SWEEP = tuple((0, q) for q in (255, 202, 160)) + tuple((gain, Q_ONE) for gain in range(0, GAIN_COUNT, 2))
"""Settings (gain, q): every second gain, a quarter octave of lambda apart, and coarser steps below the lowest gain."""

Measure = Callable[[Pixels, Pixels], dict[str, float]]
"""Further distortions of (original, decoded), by name."""


@dataclass(frozen=True)
class Measured:
    """A candidate and what else was measured on its picture."""

    candidate: Candidate
    measures: dict[str, float] = field(default_factory=dict)


class CandidateCache:
    """Measured candidates by content: picture, model files and settings."""

    def __init__(self, folder: Path = CACHE) -> None:
        self.folder = folder

    def path(self, picture: str, model: EncoderModel, gain: int, q: int, measure: str) -> Path:
        """File of one candidate."""
        key = json.dumps([CACHE_VERSION, picture, model.digest, gain, q, measure])
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    def load(self, path: Path) -> Measured | None:
        """Reads a candidate; a missing or damaged file is no candidate."""
        try:
            row = json.loads(path.read_text())
            payload = base64.b64decode(row["payload"], validate=True)
            candidate = Candidate(ImageHeader(**row["header"]), payload, int(row["squared_error"]))
            return Measured(candidate, {name: float(value) for name, value in row["measures"].items()})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, path: Path, measured: Measured) -> None:
        """Writes a candidate under a temporary name and renames it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        candidate = measured.candidate
        row = {
            "header": asdict(candidate.header),
            "payload": base64.b64encode(candidate.payload).decode(),
            "squared_error": candidate.squared_error,
            "measures": measured.measures,
        }
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(row))
        partial.replace(path)


class PictureCoder:
    """Codes one picture with any model of the zoo; analyses lazily and remembers results."""

    def __init__(self, pixels: Pixels, zoo: Zoo, cache: CandidateCache, measure: Measure | None = None) -> None:
        """Prepares a picture.

        Args:
          pixels: [H, W, 3] uint8.
          zoo: the models.
          cache: where results are kept.
          measure: further distortions to record; its name is part of the cache's key.
        """
        self.pixels, self._zoo, self._cache, self._measure = pixels, zoo, cache, measure
        self._digest = pixels_digest(pixels)
        self._analysed: dict[int, AnalysedPicture] = {}

    def encode(self, model: int, gain: int, q: int = Q_ONE) -> Measured:
        """One candidate, from the cache where it is known."""
        name = self._measure.__name__ if self._measure else ""
        path = self._cache.path(self._digest, self._zoo.models[model], gain, q, name)
        known = self._cache.load(path)
        if known:
            return known
        if model not in self._analysed:
            self._analysed[model] = AnalysedPicture(self.pixels, self._zoo.models[model])
        candidate, decoded = self._analysed[model].encode(gain, q)
        measured = Measured(candidate, self._measure(self.pixels, decoded) if self._measure else {})
        self._cache.save(path, measured)
        return measured

    def sweep(self) -> Iterator[Measured]:
        """Candidates of every model at every setting of the sweep."""
        for model in self._zoo.models:
            for gain, q in SWEEP:
                yield self.encode(model, gain, q)
