"""All candidates of a picture: over models and gains, and refined at a slope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple

from decoder_pkg.architecture import GAIN_COUNT
from decoder_pkg.entropy_model import Q_ONE

from .cache import CandidateCache, Measured
from .encode import AnalysedPicture
from .objective import Latents, Setting
from .pictures import Pixels, pixels_digest
from .presets import Preset
from .refine import refine_latents, search_latents, search_strength, sweep_choices
from .weights import Zoo

SWEEP = tuple((0, q) for q in (255, 202, 160)) + tuple((gain, Q_ONE) for gain in range(0, GAIN_COUNT, 2))
"""Settings (gain, q): every second gain, a quarter octave of lambda apart, and coarser steps below the lowest gain."""

LADDER = (0, 1, -1, 2, -2, 3, -3, 5, -5)
"""Changes of q at which refined latents are coded too: the small change of a set that fills its last bytes."""

SLOPES = (0.87, 1.15)
"""Factors of the slope at which refined latents are refined further, so that a set can move along their hull."""

Measure = Callable[[Pixels, Pixels], dict[str, float]]
"""Further distortions of (original, decoded), by name."""


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
        self._measure_name = measure.__name__ if measure else ""
        self._analysed: dict[int, AnalysedPicture] = {}

    @property
    def models(self) -> list[int]:
        """Ids of the zoo's models."""
        return list(self._zoo.models)

    def encode(self, model: int, gain: int, q: int = Q_ONE) -> Measured:
        """One candidate, from the cache where it is known."""
        path = self._cache.path(self._digest, self._zoo.models[model].digest, gain, q, self._measure_name)
        known = self._cache.load(path)
        if not known:
            known = [self._encode(model, gain, q)]
            self._cache.save(path, known)
        return known[0]

    def sweep(self) -> Iterator[Measured]:
        """Candidates of every model at every setting of the sweep."""
        for model in self.models:
            for gain, q in SWEEP:
                yield self.encode(model, gain, q)

    def refine(self, slope: float, preset: Preset) -> list[Measured]:
        """Candidates refined at a slope and around it, from the cache where they are known.

        Args:
          slope: squared error that one byte is worth.
          preset: how much is tried; it has a method.
        """
        digests = [model.digest for model in self._zoo.models.values()]
        path = self._cache.path(self._digest, digests, slope, astuple(preset), self._measure_name)
        known = self._cache.load(path)
        if not known:
            known = list(self._refine(slope, preset))
            self._cache.save(path, known)
        return known

    def _refine(self, slope: float, preset: Preset) -> Iterator[Measured]:
        swept = [measured.candidate for measured in self.sweep()]
        for chosen in sweep_choices(swept, slope, preset.survivors):
            picture = self._analyse(chosen.header.model)
            refined = search_latents(picture, (chosen.header.gain, chosen.header.q), slope, preset)
            m = search_strength(picture, refined)
            gain, q = refined.setting.gain, refined.setting.q
            for change in LADDER:
                if 1 <= q + change <= 255:
                    yield self._encode(chosen.header.model, gain, q + change, m, refined.latents)
            for factor in SLOPES:
                setting = Setting(gain, q, factor * slope)
                further = refine_latents(picture, setting, refined.latents, preset.method, preset.step_iterations)
                yield self._encode(chosen.header.model, gain, q, m, further.latents)

    def _analyse(self, model: int) -> AnalysedPicture:
        if model not in self._analysed:
            postfilter = self._zoo.bundle.postfilter
            self._analysed[model] = AnalysedPicture(self.pixels, self._zoo.models[model], postfilter)
        return self._analysed[model]

    def _encode(self, model: int, gain: int, q: int, m: int = 0, latents: Latents | None = None) -> Measured:
        candidate, decoded = self._analyse(model).encode(gain, q, m, latents)
        return Measured(candidate, self._measure(self.pixels, decoded) if self._measure else {})
