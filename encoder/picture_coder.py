"""All candidates of a picture: over models and gains, and refined at a Lagrange multiplier."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import astuple
from functools import partial

from decoder_pkg.entropy import Q_ONE
from eval.metrics import PSNR, SQUARED_ERROR, Distortion, Metric

from .candidates import Candidate, CandidateCache, Measured
from .codecs import Latents, ModelSetting, coding_setting
from .coding import ROUNDING, AnalysedPicture, ModelPicture, model_picture, round_to_fit, splice_between
from .estimates import Estimates
from .filters import FILTER_ENCODERS
from .models import Zoo, arithmetic
from .pictures import Pixels, pixels_digest
from .prediction import Prediction, predict
from .presets import Preset
from .refinement import (
    REFINEMENT_VERSION,
    Refined,
    RefinementSetting,
    refine_latents,
    search_latents,
    search_start,
)

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
    """Codes one picture with any model of the zoo; analyses lazily and remembers results.

    Attributes:
      pixels: [H, W, 3] uint8.
      zoo: the models.
      digest: of the picture.
      estimates: of the picture under each model.
    """

    def __init__(self, pixels: Pixels, zoo: Zoo, cache: CandidateCache, metrics: Sequence[Metric] = ()) -> None:
        """Prepares a picture.

        Args:
          pixels: [H, W, 3] uint8.
          zoo: the models.
          cache: where results are kept.
          metrics: what is measured of each candidate beside the squared error.
        """
        self.pixels, self.zoo, self._cache = pixels, zoo, cache
        self.digest = pixels_digest(pixels)
        self._metrics = [metric for metric in metrics if metric is not PSNR]
        filters = [(own.digest.hex(), FILTER_ENCODERS[own.filter.name].version) for own in zoo.bundle.filters.values()]
        self._kept_under = filters, [metric.key for metric in self._metrics]
        self._pictures: dict[int, ModelPicture] = {}
        self.estimates = Estimates(zoo, cache, self.digest, self._picture, (PSNR, *self._metrics))

    def encode(self, model: int, gain: int, q: int = Q_ONE) -> Measured:
        """One candidate, from the cache where it is known.

        Raises:
          RoundTripError: the stream does not decode to what was encoded.
        """
        own = self.zoo.models[model]
        under = [own.conventional.version] if own.conventional else ROUNDING
        key = model, own.digest, *under, gain, q
        return self._known(key, lambda: self._encode(ModelSetting(model, gain, q)))

    def predict(self, specialists: Collection[int] = ()) -> Prediction:
        """What all settings of the origins, and of some of the other models, are expected to take and to lose."""
        models = [number for number in self.zoo.models if number in self.zoo.origins or number in specialists]
        columns = [metric.column for metric in (PSNR, *self._metrics)]
        return predict(self.zoo, {number: self.estimates.of(number) for number in models}, columns)

    def refine(
        self,
        starts: Sequence[ModelSetting],
        multiplier: float,
        preset: Preset,
        distortion: Distortion = SQUARED_ERROR,
        kept: bool = False,
    ) -> Measured:
        """The candidate refined at a Lagrange multiplier; from the cache where it is known.

        Args:
          starts: settings that may be the best, of one learned model each.
          multiplier: Lagrange multiplier, distortion per byte.
          preset: how much is tried; it has a method.
          distortion: what is minimised.
          kept: the first start is kept as it is; else settings are searched from there.

        Raises:
          RoundTripError: the stream does not decode to what was encoded.
        """
        digests = [self.zoo.models[start.model].digest for start in starts]
        key = digests, refinement_key(), starts, multiplier, astuple(preset), astuple(distortion), kept

        def refined() -> Measured:
            if not kept:
                return self._refine(starts, multiplier, preset, distortion)
            setting = RefinementSetting(starts[0].gain, starts[0].q, multiplier, distortion)
            found = refine_latents(self._analyse(starts[0].model), setting, preset.method, preset.iterations)
            return self._encode(starts[0], found.latents)

        return self._known(key, refined)

    def _refine(
        self, starts: Sequence[ModelSetting], multiplier: float, preset: Preset, distortion: Distortion
    ) -> Measured:
        tried = starts[: preset.survivors]
        begins = [(self._analyse(at.model), RefinementSetting(at.gain, at.q, multiplier, distortion)) for at in tried]
        picture, start = search_start(begins, preset)

        def code(refined: Refined) -> Measured:
            return self._measured(*picture.encode(refined.setting.coding, refined.latents))

        return search_latents(picture, start, preset, code)

    def to_fit(self, chosen: Candidate, room: range) -> Measured:
        """The choice again, its latents rounded more or less readily towards zero, so that it is as long as fits.

        Args:
          chosen: a candidate that was not refined.
          room: payload lengths that are good enough; its end is not reached.
        """
        model = chosen.header.model
        key = "to fit", _digest(chosen), self.zoo.models[model].digest, *ROUNDING, room.start, room.stop
        return self._known(key, lambda: self._measured(*round_to_fit(self._analyse(model), chosen, room)))

    def between(self, small: Candidate, large: Candidate, room: range) -> Iterator[Measured]:
        """Streams between two of one setting, each as long as fits, cut at different places.

        Args:
          small: a candidate.
          large: another at the same gain and q of the same model; its post-filter is not used.
          room: payload lengths that are good enough; its end must not be reached.
        """
        model = small.header.model
        key = *map(_digest, (small, large)), self.zoo.models[model].digest, room.start, room.stop

        def spliced(origin: float) -> Measured:
            return self._measured(*splice_between(self._analyse(model), small, large, room, origin))

        for origin in ORIGINS:
            yield self._known((*key, origin), partial(spliced, origin))

    def _known(self, key: tuple[object, ...], make: Callable[[], Measured]) -> Measured:
        """What the cache holds for the picture under a key; made and kept where it holds nothing."""
        path = self._cache.path(self.digest, *key, *self._kept_under)
        known = self._cache.load(path)
        if not known:
            known = [make()]
            self._cache.save(path, known)
        return known[0]

    def _picture(self, model: int) -> ModelPicture:
        if model not in self._pictures:
            filters = self.zoo.bundle.post_filters
            self._pictures[model] = model_picture(self.pixels, self.zoo.models[model], filters)
        return self._pictures[model]

    def _analyse(self, model: int) -> AnalysedPicture:
        """The picture under a learned model."""
        picture = self._picture(model)
        assert isinstance(picture, AnalysedPicture)
        return picture

    def _encode(self, at: ModelSetting, latents: Latents | None = None) -> Measured:
        setting = coding_setting(at.gain, at.q)
        if latents is None:
            return self._measured(*self._picture(at.model).encode(setting))
        return self._measured(*self._analyse(at.model).encode(setting, latents))

    def _measured(self, candidate: Candidate, decoded: Pixels) -> Measured:
        return Measured(candidate, {metric.column: metric.measure(self.pixels, decoded) for metric in self._metrics})
