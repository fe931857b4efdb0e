"""The work on one picture, as any engine runs it: predict, code settings, or refine at a Lagrange multiplier."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from encoder.candidates import CandidateCache, Measured
from encoder.models import Zoo, load_zoo
from encoder.picture_coder import PictureCoder
from encoder.pictures import load_picture
from encoder.prediction import ModelSetting
from encoder.presets import Preset
from eval.files import stamp
from eval.metrics import SQUARED_ERROR, Distortion, measured_metrics

KEPT_CODERS = 4
"""Pictures whose latents a process keeps for its next jobs."""


@dataclass(frozen=True)
class Start:
    """Where the refinement of a picture begins.

    Attributes:
      settings: that may be the best, of one model each, the most promising first.
      kept: the first is kept as it is; else settings are searched from there.
    """

    settings: tuple[ModelSetting, ...]
    kept: bool = False


Refine = Callable[[PictureCoder, Start, float], Iterable[Measured]]
"""Refined candidates of a picture, given where to begin and the Lagrange multiplier in distortion per byte."""

PREDICTION, CODING, ITERATION = 8.0, 5.0, 1.0
"""Seconds of a core that a megapixel takes, about: all predictions, one setting, one iteration of refinement."""

OFTEN = 1.3
"""How often a picture is coded or refined for a target, on average."""


def expected_work(preset: Preset, targets: int) -> float:
    """Seconds of a core that a megapixel takes for some targets, about."""
    return PREDICTION + OFTEN * targets * (ITERATION * preset.iterations if preset.method else CODING)


class Task(Protocol):
    """What is done for a picture."""

    @property
    def work(self) -> float:
        """Seconds of a core that a megapixel takes, about."""

    def __call__(self, coder: PictureCoder) -> Iterable[Measured]:
        """The picture's new candidates."""


@dataclass(frozen=True)
class PresetRefinement:
    """Refinement of the latents as a preset with a method says."""

    preset: Preset
    distortion: Distortion = SQUARED_ERROR

    def __call__(self, coder: PictureCoder, start: Start, multiplier: float) -> Iterable[Measured]:
        """The candidate that is found."""
        return [coder.refine(start.settings, multiplier, self.preset, self.distortion, start.kept)]


def refinement(preset: Preset, distortion: Distortion = SQUARED_ERROR) -> PresetRefinement | None:
    """What a preset does with latents; None where it leaves them as they are."""
    return PresetRefinement(preset, distortion) if preset.method else None


@dataclass(frozen=True)
class Predicting:
    """Puts the estimates that predictions need into the cache."""

    specialists: frozenset[int]

    @property
    def work(self) -> float:
        """As of every task."""
        return PREDICTION

    def __call__(self, coder: PictureCoder) -> Iterable[Measured]:
        """No candidates."""
        coder.predict(self.specialists)
        return []


@dataclass(frozen=True)
class Coding:
    """Codes a picture at some settings."""

    settings: tuple[ModelSetting, ...]

    @property
    def work(self) -> float:
        """As of every task."""
        return CODING * len(self.settings)

    def __call__(self, coder: PictureCoder) -> Iterable[Measured]:
        """A candidate of each setting."""
        return [coder.encode(*setting) for setting in self.settings]


@dataclass(frozen=True)
class Refining:
    """Refines a picture at a Lagrange multiplier."""

    refine: Refine
    start: Start
    multiplier: float

    @property
    def work(self) -> float:
        """As of every task."""
        return ITERATION * self.refine.preset.iterations if isinstance(self.refine, PresetRefinement) else CODING

    def __call__(self, coder: PictureCoder) -> Iterable[Measured]:
        """What refinement finds."""
        return self.refine(coder, self.start, self.multiplier)


@dataclass(frozen=True)
class Place:
    """What a job needs beside its picture, wherever it runs: another machine may work in another folder.

    Attributes:
      weights: folders of the decoder's and the encoder's weights.
      models: ids of those that may be used.
      cache: folder of the candidates.
      distortion: what is minimised; its metrics are measured.
    """

    weights: tuple[Path, Path]
    models: tuple[int, ...]
    cache: Path
    distortion: Distortion


@dataclass(frozen=True)
class PictureJob:
    """One picture's share of the work."""

    file: Path
    place: Place
    task: Task


@lru_cache(maxsize=1)
def loaded_zoo(weights: tuple[Path, Path]) -> Zoo:
    """The models of two folders; a process loads them once for all of its jobs."""
    return load_zoo(*weights)


@lru_cache(maxsize=KEPT_CODERS)
def picture_coder(file: Path, _stamp: tuple[int, int], place: Place) -> PictureCoder:
    """A picture's coder, with the latents that it has analysed so far; a file that was changed is another picture."""
    zoo = loaded_zoo(place.weights).only(place.models)
    return PictureCoder(load_picture(file), zoo, CandidateCache(place.cache), measured_metrics(place.distortion))


def run_job(job: PictureJob) -> list[Measured]:
    """The new candidates of a picture; they are in the cache too when this returns.

    Raises:
      PictureError: the picture cannot be read.
      WeightsError: a weight file is missing or damaged.
      RoundTripError: a stream does not decode to what was encoded.
    """
    return list(job.task(picture_coder(job.file, stamp(job.file), job.place)))
