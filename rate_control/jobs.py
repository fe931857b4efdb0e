"""The work on one picture, as any engine runs it: predict, code settings, or refine at a Lagrange multiplier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from encoder.candidates import Candidate, CandidateCache, Measured
from encoder.codecs import ModelSetting
from encoder.coding import Estimate
from encoder.models import Zoo, load_zoo
from encoder.picture_coder import PictureCoder
from encoder.pictures import load_picture
from encoder.presets import Preset
from eval.metrics import SQUARED_ERROR, Distortion, measured_metrics
from eval.pictures import PictureError
from eval.storage import stamp

KEPT_PIXELS = 32_000_000
"""Pixels of the pictures whose latents a process keeps for its next jobs: half a gigabyte under four models."""


@dataclass(frozen=True)
class Start:
    """Where the refinement of a picture begins.

    Attributes:
      settings: that may be the best, of one model each, the most promising first.
      kept: the first is kept as it is; else settings are searched from there.
    """

    settings: tuple[ModelSetting, ...]
    kept: bool = False


@dataclass(frozen=True)
class Found:
    """What a task finds: candidates, or estimates of models, by their ids."""

    candidates: Sequence[Measured] = ()
    estimates: Mapping[int, Sequence[Estimate]] = field(default_factory=dict)


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

    def __call__(self, coder: PictureCoder) -> Found:
        """Does it."""


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
    """Estimates what predictions need of some models."""

    models: tuple[int, ...]

    @property
    def work(self) -> float:
        """As of every task."""
        return PREDICTION

    def __call__(self, coder: PictureCoder) -> Found:
        """The estimates of each model."""
        return Found(estimates={number: coder.estimates.of(number) for number in self.models})


@dataclass(frozen=True)
class Coding:
    """Codes a picture at some settings."""

    settings: tuple[ModelSetting, ...]

    @property
    def work(self) -> float:
        """As of every task."""
        return CODING * len(self.settings)

    def __call__(self, coder: PictureCoder) -> Found:
        """A candidate of each setting."""
        return Found([coder.encode(*setting) for setting in self.settings])


@dataclass(frozen=True)
class Filling:
    """Makes a choice longer: rounded less readily towards zero, or with a part of a larger one of its setting.

    Attributes:
      chosen: the choice.
      larger: the larger one, where latents were refined.
      room: payload lengths that are good enough; its end is not reached.
    """

    chosen: Candidate
    larger: Candidate | None
    room: range

    @property
    def work(self) -> float:
        """As of every task."""
        return CODING

    def __call__(self, coder: PictureCoder) -> Found:
        """Longer candidates; one of them is long enough, where that can be."""
        if not self.larger:
            return Found([coder.to_fit(self.chosen, self.room)])
        found = list[Measured]()
        for measured in coder.between(self.chosen, self.larger, self.room):
            found.append(measured)
            if measured.candidate.header.length in self.room:
                break
        return Found(found)


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

    def __call__(self, coder: PictureCoder) -> Found:
        """What refinement finds."""
        return Found(list(self.refine(coder, self.start, self.multiplier)))


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
    """One picture's share of the work.

    Attributes:
      file: of the picture.
      digest: of its samples.
      place: what is needed beside them.
      task: what is done.
    """

    file: Path
    digest: str
    place: Place
    task: Task


@lru_cache(maxsize=1)
def loaded_zoo(weights: tuple[Path, Path]) -> Zoo:
    """The models of two folders; a process loads them once for all of its jobs."""
    return load_zoo(*weights)


class PictureCoders:
    """The coders of pictures, with the latents that they have analysed so far; the last ones used are kept."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Path, tuple[int, int], Place], PictureCoder] = {}

    def get(self, file: Path, place: Place) -> PictureCoder:
        """A picture's coder; a file that was changed is another picture.

        Raises:
          PictureError: the picture cannot be read.
          WeightsError: a weight file is missing or damaged.
        """
        key = file, stamp(file), place
        coder = self._kept.pop(key, None) or _new_coder(file, place)
        self._kept[key] = coder
        while len(self._kept) > 1 and sum(each.pixels.size // 3 for each in self._kept.values()) > KEPT_PIXELS:
            self._kept.pop(next(iter(self._kept)))
        return coder


def _new_coder(file: Path, place: Place) -> PictureCoder:
    zoo = loaded_zoo(place.weights).only(place.models)
    return PictureCoder(load_picture(file), zoo, CandidateCache(place.cache), measured_metrics(place.distortion))


CODERS = PictureCoders()
"""Of this process."""


def run_job(job: PictureJob) -> Found:
    """What a task finds of a picture; it is in the cache too when this returns.

    Raises:
      PictureError: the picture cannot be read, or is another one now.
      WeightsError: a weight file is missing or damaged.
      RoundTripError: a stream does not decode to what was encoded.
    """
    coder = CODERS.get(job.file, job.place)
    if coder.digest != job.digest:
        raise PictureError(f"{job.file} was changed while its set was coded: run again")
    return job.task(coder)
