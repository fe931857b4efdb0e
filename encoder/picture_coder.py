"""All candidates of a picture: over models and gains, and refined at a Lagrange multiplier."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_COUNT
from decoder_pkg.payload import SideInformation
from decoder_pkg.pixels.filters import FilterChain
from decoder_pkg.stream import ImageHeader
from eval.metrics import PSNR, SQUARED_ERROR, Distortion, Metric

from .cache import CandidateCache
from .candidates import Candidate, Measured
from .coding import ROUNDING, AnalysedPicture, encode_payload, parts_of, splice_to_fit
from .devices import arithmetic
from .latents import Latents, Setting, coding_setting
from .pictures import Pixels, pixels_digest
from .presets import Preset
from .refinement import REFINEMENT_VERSION, Refined, refine_latents, search_latents, search_start, sweep_choices
from .weights import Zoo

FINEST_Q = 64
"""Smallest quantisation step that is tried: below it bytes grow much faster than quality."""

SWEEP = (
    *((0, q) for q in (255, 202, 160)),
    *((gain, Q_ONE) for gain in range(0, GAIN_COUNT, 2)),
    *((GAIN_COUNT - 1, q) for q in (101, 80, FINEST_Q)),
)
"""Settings (gain, q) by rising rate: every second gain, a quarter octave of lambda apart; coarser steps below
the lowest gain, and finer ones above the highest, so that smooth pictures can take what a high budget gives them."""

PARTNER_MULTIPLIERS = (0.7, 1.4)
"""Factors of the Lagrange multiplier at which a picture is refined again: a larger and a smaller stream to splice."""

ORIGINS = (0.0, 0.5, 0.25, 0.75)
"""Heights, as shares, below which a spliced stream's larger part may begin."""

LEAST_CHANGE = 0.05
"""Share of a stream's bytes by which its partner differs at least."""


def refinement_key() -> tuple[int, str, float, int]:
    """What refined candidates depend on beside picture, weights and settings."""
    return REFINEMENT_VERSION, arithmetic(), *ROUNDING


def _digest(candidate: Candidate) -> str:
    """Flat pictures have the same payload at several settings."""
    return hashlib.sha256(repr(candidate.header).encode() + candidate.payload).hexdigest()


class PictureCoder:
    """Codes one picture with any model of the zoo; analyses lazily and remembers results."""

    def __init__(self, pixels: Pixels, zoo: Zoo, cache: CandidateCache, metrics: Sequence[Metric] = ()) -> None:
        """Prepares a picture.

        Args:
          pixels: [H, W, 3] uint8.
          zoo: the models.
          cache: where results are kept.
          metrics: what is measured of each candidate beside the squared error.
        """
        self.pixels, self._zoo, self._cache = pixels, zoo, cache
        self._digest = pixels_digest(pixels)
        self._metrics = [metric for metric in metrics if metric is not PSNR]
        self._filter_digest = [shipped.digest.hex() for shipped in zoo.bundle.filters.values()]
        self._analysed: dict[int, AnalysedPicture] = {}

    @property
    def models(self) -> list[int]:
        """Ids of the zoo's models."""
        return list(self._zoo.models)

    def gains(self, model: int) -> range:
        """Gain indices that a model was trained for."""
        return self._zoo.models[model].gains

    def encode(self, model: int, gain: int, q: int = Q_ONE) -> Measured:
        """One candidate, from the cache where it is known.

        Raises:
          RoundTripError: the stream does not decode to what was encoded.
        """
        key = self._zoo.models[model].digest, *ROUNDING, gain, q
        return self._known(key, lambda: [self._encode(model, gain, q)])[0]

    def sweep(self) -> Iterator[Measured]:
        """Candidates of every model at every setting of the sweep that it was trained for."""
        for model in self.models:
            for gain, q in SWEEP:
                if gain in self.gains(model):
                    yield self.encode(model, gain, q)

    def refine(
        self, multiplier: float, preset: Preset, distortion: Distortion = SQUARED_ERROR, like: ImageHeader | None = None
    ) -> Measured:
        """The candidate refined at a Lagrange multiplier; from the cache where it is known.

        Args:
          multiplier: Lagrange multiplier, distortion per byte.
          preset: how much is tried; it has a method.
          distortion: what is minimised.
          like: its model, gain and q are kept; without one they are searched.

        Raises:
          RoundTripError: the stream does not decode to what was encoded.
        """
        digests = [model.digest for model in self._zoo.models.values()]
        key = digests, refinement_key(), multiplier, astuple(preset), astuple(distortion), like and like.setting

        def refined() -> list[Measured]:
            if like:
                return [self._refine_like(like, multiplier, preset, distortion)]
            return [self._refine(multiplier, preset, distortion)]

        return self._known(key, refined)[0]

    def _refine_like(self, like: ImageHeader, multiplier: float, preset: Preset, distortion: Distortion) -> Measured:
        setting = Setting(like.gain, like.q, multiplier, distortion)
        refined = refine_latents(self._analyse(like.model), setting, preset.method, preset.iterations)
        return self._encode(like.model, like.gain, like.q, refined.latents)

    def _refine(self, multiplier: float, preset: Preset, distortion: Distortion) -> Measured:
        starts = [
            (self._analyse(header.model), Setting(header.gain, header.q, multiplier, distortion))
            for header in (c.header for c in sweep_choices(self.sweep(), multiplier, distortion, preset.survivors))
        ]
        picture, start = search_start(starts, preset)

        def code(refined: Refined) -> Measured:
            return self._encode(picture.model.id, refined.setting.gain, refined.setting.q, refined.latents)

        return search_latents(picture, start, preset, code)

    def between(self, small: Candidate, large: Candidate, room: range) -> Iterator[Measured]:
        """Streams between two of one setting, each as long as fits, cut at different places.

        Args:
          small: a candidate.
          large: another at the same gain and q of the same model; its post-filter is not used.
          room: payload lengths that are good enough; its end must not be reached.
        """
        key = *map(_digest, (small, large)), self._zoo.models[small.header.model].digest, room.start, room.stop
        for origin in ORIGINS:
            yield self._known((*key, origin), lambda: [self._between(small, large, room, origin)])[0]  # noqa: B023

    def _between(self, small: Candidate, large: Candidate, room: range, origin: float) -> Measured:
        header, model = small.header, self._zoo.models[small.header.model]
        picture, setting = self._analyse(header.model), coding_setting(header.gain, header.q)
        (latents, chain), (larger, _) = (parts_of(model, candidate, picture.filters) for candidate in (small, large))

        def length(spliced: Latents) -> int:
            return len(encode_payload(picture.quantise(setting, spliced), SideInformation(setting.gain, chain)))

        fitting = splice_to_fit(larger, latents, length, room, origin)
        return self._encode(header.model, header.gain, header.q, fitting, chain)

    def _known(self, key: tuple[object, ...], make: Callable[[], list[Measured]]) -> list[Measured]:
        """What the cache holds for the picture under a key; made and kept where it holds nothing."""
        path = self._cache.path(self._digest, *key, self._filter_digest, [metric.key for metric in self._metrics])
        known = self._cache.load(path)
        if not known:
            known = make()
            self._cache.save(path, known)
        return known

    def _analyse(self, model: int) -> AnalysedPicture:
        if model not in self._analysed:
            filters = self._zoo.bundle.post_filters
            self._analysed[model] = AnalysedPicture(self.pixels, self._zoo.models[model], filters)
        return self._analysed[model]

    def _encode(
        self, model: int, gain: int, q: int, latents: Latents | None = None, chain: FilterChain | None = None
    ) -> Measured:
        candidate, decoded = self._analyse(model).encode(coding_setting(gain, q), latents, chain)
        return Measured(candidate, {metric.column: metric.measure(self.pixels, decoded) for metric in self._metrics})
