"""All candidates of a picture: over models and gains, and refined at a Lagrange multiplier."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, astuple

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_COUNT
from decoder_pkg.payload import SideInformation
from decoder_pkg.pixels.filters import FilterChain
from eval.caches import load_rows, save_rows
from eval.metrics import PSNR, SQUARED_ERROR, Distortion, Metric

from .cache import CandidateCache
from .candidates import Candidate, Measured
from .coding import (
    ERROR_BITS,
    ESTIMATION,
    ROUNDING,
    AnalysedPicture,
    Estimate,
    encode_payload,
    estimate,
    parts_of,
    splice_to_fit,
)
from .devices import arithmetic
from .latents import Latents, Setting, coding_setting
from .pictures import Pixels, pixels_digest
from .prediction import FINEST_Q, ModelSetting, Prediction, anchors, predict
from .presets import Preset
from .refinement import REFINEMENT_VERSION, Refined, refine_latents, search_latents, search_start
from .search import search_to_fit
from .weights import Zoo

SWEEP = (
    *((0, q) for q in (255, 202, 160)),
    *((gain, Q_ONE) for gain in range(0, GAIN_COUNT, 2)),
    *((GAIN_COUNT - 1, q) for q in (101, 80, FINEST_Q)),
)
"""Settings (gain, q) by rising rate: every second gain, a quarter octave of lambda apart; coarser steps below
the lowest gain, and finer ones above the highest, so that smooth pictures can take what a high budget gives them."""

PARTNER_MULTIPLIERS = (0.7, 1.4)
"""Factors of the Lagrange multiplier at which a picture is refined again: a larger and a smaller stream to splice."""

ROUNDING_OCTAVES = 3.0
"""How far RDOQ's price of an error may be from its best, in octaves, where a stream is made as long as fits."""

OCTAVE_GROWTH = 0.03
"""Share of its bytes by which a stream grows, about, where that price doubles."""

ORIGINS = (0.0, 0.5, 0.25, 0.75)
"""Heights, as shares, below which a spliced stream's larger part may begin."""

NEAR = 4
"""Gains by which a fine-tuned model's choice may lie beside that of the model it came from."""

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
        key = model, self._zoo.models[model].digest, *ROUNDING, gain, q
        return self._known(key, lambda: [self._encode(ModelSetting(model, gain, q))])[0]

    def sweep_settings(self) -> list[ModelSetting]:
        """Every model at every setting of the sweep that it was trained for."""
        return [ModelSetting(model, *at) for model in self.models for at in SWEEP if at[0] in self.gains(model)]

    @property
    def origins(self) -> list[int]:
        """Models that are predicted first: those that were not fine-tuned from another one of the zoo."""
        return [number for number in self.models if number not in self._parents]

    def specialists(self, gain: int) -> list[int]:
        """Fine-tuned models that may be better than the one they came from, where that one would take a gain."""
        near = range(gain - NEAR, gain + NEAR + 1)
        return [n for n in self._parents if self.gains(n)[0] < near.stop and self.gains(n)[-1] >= near.start]

    def predict(self, specialists: Collection[int] = ()) -> Prediction:
        """What all settings of the origins, and of some of the other models, are expected to take and to lose."""
        models = [number for number in self.models if number in self.origins or number in specialists]
        columns = [metric.column for metric in (PSNR, *self._metrics)]
        gains = {number: self.gains(number) for number in models}
        return predict({number: self._estimates(number) for number in models}, gains, self._parents, columns)

    @property
    def _parents(self) -> dict[int, int]:
        """The model that each was fine-tuned from, where it is in the zoo and serves all of its gains."""
        pairs = ((number, model, model.base) for number, model in self._zoo.models.items() if model.base)
        return {
            number: base.id
            for number, model, base in pairs
            if base.id in self._zoo.models and {model.gains[0], model.gains[-1]} <= set(base.gains)
        }

    def _estimates(self, model: int) -> list[Estimate]:
        """A model's estimates at its anchors, from the cache where they are known."""
        gains = anchors(self.gains(model), alone=model not in self._parents)
        key = self._zoo.models[model].digest, ESTIMATION, arithmetic(), gains, [m.key for m in self._metrics]
        path = self._cache.path(self._digest, "estimates", *key)
        rows = load_rows(path)
        if rows is None:
            picture = self._analyse(model)
            found = [estimate(picture, gain, (PSNR, *self._metrics)) for gain in gains]
            save_rows(path, [asdict(one) for one in found])
            return found
        return [Estimate(**row) for row in rows]

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
          starts: settings that may be the best, of one model each.
          multiplier: Lagrange multiplier, distortion per byte.
          preset: how much is tried; it has a method.
          distortion: what is minimised.
          kept: the first start is kept as it is; else settings are searched from there.

        Raises:
          RoundTripError: the stream does not decode to what was encoded.
        """
        digests = [self._zoo.models[start.model].digest for start in starts]
        key = digests, refinement_key(), starts, multiplier, astuple(preset), astuple(distortion), kept

        def refined() -> list[Measured]:
            if kept:
                return [self._refine_at(starts[0], multiplier, preset, distortion)]
            return [self._refine(starts, multiplier, preset, distortion)]

        return self._known(key, refined)[0]

    def _refine_at(self, at: ModelSetting, multiplier: float, preset: Preset, distortion: Distortion) -> Measured:
        setting = Setting(at.gain, at.q, multiplier, distortion)
        refined = refine_latents(self._analyse(at.model), setting, preset.method, preset.iterations)
        return self._encode(at, refined.latents)

    def _refine(
        self, starts: Sequence[ModelSetting], multiplier: float, preset: Preset, distortion: Distortion
    ) -> Measured:
        tried = starts[: preset.survivors]
        begins = [(self._analyse(at.model), Setting(at.gain, at.q, multiplier, distortion)) for at in tried]
        picture, start = search_start(begins, preset)

        def code(refined: Refined) -> Measured:
            at = ModelSetting(picture.model.id, refined.setting.gain, refined.setting.q)
            return self._encode(at, refined.latents)

        return search_latents(picture, start, preset, code)

    def to_fit(self, chosen: Candidate, room: range) -> Measured:
        """The choice again, its latents rounded more or less readily towards zero, so that it is as long as fits.

        Args:
          chosen: a candidate that was not refined.
          room: payload lengths that are good enough; its end is not reached.
        """
        header = chosen.header
        key = _digest(chosen), self._zoo.models[header.model].digest, *ROUNDING, room.start, room.stop
        return self._known(("to fit", *key), lambda: [self._to_fit(chosen, room)])[0]

    def _to_fit(self, chosen: Candidate, room: range) -> Measured:
        at, plain = ModelSetting(*chosen.header.setting), chosen.header.length
        picture, setting = self._analyse(at.model), coding_setting(at.gain, at.q)
        _, chain = parts_of(picture.model, chosen, picture.filters)
        side = SideInformation(setting.gain, chain)

        def length(octaves: float) -> int:
            return len(encode_payload(picture.quantise(setting, error_bits=ERROR_BITS * 2**octaves), side))

        octaves = search_to_fit(length, (0.0, plain), OCTAVE_GROWTH * plain, room, ROUNDING_OCTAVES)
        return self._encode(at, chain=chain, error_bits=ERROR_BITS * 2**octaves)

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
        return self._encode(ModelSetting(*header.setting), fitting, chain)

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
        self,
        at: ModelSetting,
        latents: Latents | None = None,
        chain: FilterChain | None = None,
        error_bits: float = ERROR_BITS,
    ) -> Measured:
        setting = coding_setting(at.gain, at.q)
        candidate, decoded = self._analyse(at.model).encode(setting, latents, chain, error_bits)
        return Measured(candidate, {metric.column: metric.measure(self.pixels, decoded) for metric in self._metrics})
